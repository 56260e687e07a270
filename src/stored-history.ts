import type { StoredHistory } from './history.ts';
import type { Store } from './stores/store.ts';

/** The frames of a job are somewhere between these of its session's log. */
export interface StoredRange {
  jobId: string;
  session: string;
  firstSeq: number;
  lastSeq: number;
}

/** What a store still has of what a job emitted: its session's log is trimmed from the front. */
export async function storedHistory(store: Store, range: StoredRange): Promise<StoredHistory> {
  const { jobId, session, firstSeq, lastSeq } = range;
  if (lastSeq < firstSeq) return { frames: [], goneSeq: 0 };
  const texts = await store.readFrames(session, firstSeq, lastSeq);
  const oldestSeq = lastSeq - texts.length + 1;
  const frames = texts.map((frame, index) => ({ place: oldestSeq + index, frame }));
  const mark = `"job_id":${JSON.stringify(jobId)},`;
  // Its envelope is at the front of a frame, and short.
  const own = frames.filter(({ frame }) => frame.slice(0, 400).includes(mark));
  return { frames: own, goneSeq: oldestSeq > firstSeq ? oldestSeq - 1 : 0 };
}
