export const mutants: { name: string; patches: { file: string; find: string; replace: string }[] }[];
