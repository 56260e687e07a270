/** What so many rounds came to: whatever went against the promise, and how much was seen. */
export function crashes(options: {
  rounds: number;
  seed: number;
  libraryPeers?: number;
  rawPeers?: number;
  tell?: (line: string) => void;
}): Promise<{ faults: string[]; figures: { events: number; jobs: number; resumes: number } }>;
