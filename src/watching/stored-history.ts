import { notePhases } from '../jobs/job-frames.ts';
import type { JobRecord } from '../records/records.ts';
import type { Store } from '../stores/store.ts';
import { partsOf } from '../wire/frame-text.ts';
import { JobHistory, type StoredHistory } from './history.ts';
import type { HistoryShelf } from './history-shelf.ts';

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
  const texts = await store.readFrames(session, firstSeq, lastSeq);
  const oldestSeq = lastSeq - texts.length + 1;
  const frames = texts.map((frame, index) => ({ place: oldestSeq + index, frame }));
  const mark = `"job_id":${JSON.stringify(jobId)},`;
  // Its envelope is at the front of a frame, and short.
  const own = frames.filter(({ frame }) => frame.slice(0, 400).includes(mark) && !isNote(frame));
  return { frames: own, goneSeq: oldestSeq > firstSeq ? oldestSeq - 1 : 0 };
}

/** What was said to the submitting session alone is not what the job has emitted (§6.5, §9.8.2). */
function isNote(frame: string): boolean {
  const { payload } = partsOf(frame);
  if (!payload.startsWith('{"kind":"status"')) return false;
  const { body } = JSON.parse(payload) as { body: { phase?: unknown } | null };
  return notePhases.has(body?.phase);
}

/** The history of a job that an earlier process has begun: read from the store when somebody asks for it. */
export function historyIn(
  store: Store,
  shelf: HistoryShelf,
  /** `newestSeq`: the newest event on disk that can be the job's. */
  { id, record, newestSeq }: { id: string; record: JobRecord; newestSeq: number },
): JobHistory {
  const { session, firstSeq, status } = record;
  const load = () => storedHistory(store, { jobId: id, session, firstSeq, lastSeq: newestSeq });
  return new JobHistory(shelf, { firstSeq, newestSeq, state: status === 'running' ? 'growing' : 'complete', load });
}
