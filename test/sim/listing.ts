import type { Frame } from '../support/peer.ts';
import type { Foresight, Known } from './foresight.ts';
import type { PromisedSession } from './promised-session.ts';
import { isKnown } from './watching.ts';

/** `session.list_jobs` (§6.6): what the asker may see, the newest first. */
export function foreseeList(session: PromisedSession, frame: Frame, known: Known): Foresight {
  if (!session.features.has('list_jobs')) return { answer: 'session.error INVALID_REQUEST' };
  const { filter, limit = 100 } = frame.payload;
  const statuses: string[] | undefined = filter?.status;
  const own = [...known.jobs.values()].filter(
    (job) => job.session.principal === session.principal && isKnown(job, known),
  );
  const rows = own
    .map(({ id, ended = 'running', history }): Row => [id, ended, history.newestSeq])
    .filter(([, status]) => statuses?.includes(status) ?? true)
    .sort(([a], [b]) => (a < b ? 1 : -1));
  const tells = JSON.stringify([rows.slice(0, limit), rows.length > limit]);
  return {
    answer: 'session.jobs',
    changes: (owed) => {
      owed.tells = tells;
    },
  };
}

type Row = [id: string, status: string, newestSeq: number];

/** The same of an answer. */
export function listedTextOf({ payload }: Frame): string {
  const jobs: { job_id: string; status: string; last_event_seq: number }[] = payload.jobs;
  const rows = jobs.map(({ job_id, status, last_event_seq }): Row => [job_id, status, last_event_seq]);
  return JSON.stringify([rows, payload.next_cursor !== null]);
}
