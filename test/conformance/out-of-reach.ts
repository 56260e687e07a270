/** Transitions that nothing outside the runtime can bring about, and why; level (a) takes them on the charts themselves. */
export const outOfReach: ReadonlyMap<string, string> = new Map([
  ['job | *[0] stays', 'no event reaches a job that its state does not answer'],
]);
