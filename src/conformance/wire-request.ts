import type { Observed } from './driver.ts';
import type { LogWitness } from './log-witness.ts';
import type { Act } from './model.ts';
import type { Stage } from './stage.ts';
import type { Wire } from './wire.ts';
import { answerOf, authOf, sendMalformed } from './wire-frames.ts';
import { closing } from './wire-handshake.ts';
import { work } from './wire-work.ts';

/** What the requests of an act are about. */
export interface RequestScene {
  stage: Stage;
  newestSeq: number;
  /** Ids of the oldest job that runs, of the oldest whose cancel is pending, and of the one whose credential is being revoked. */
  running: string;
  cancelling: string;
  revoking: string;
  log: LogWitness;
}

/** What a client asks on its own connection; undefined for acts that are no request. */
export async function request(
  own: Wire,
  act: Act,
  { stage, newestSeq, running, cancelling, revoking, log }: RequestScene,
): Promise<Pick<Observed, 'answer' | 'closes'> | undefined> {
  const ask = async (type: string, payload: object = {}, envelope: object = {}) => ({
    answer: answerOf(await own.ask(type, payload, envelope)),
    closes: null,
  });
  switch (act.do) {
    case 'ping':
      return ask('session.ping');
    case 'work':
      return work(own, act.how, { stage, log });
    case 'ack':
    case 'ack beyond the newest':
      // At least two events stay, so that there is an inside to resume from.
      own.send('session.ack', { last_processed_seq: act.do === 'ack' ? newestSeq - 2 : newestSeq + 1000 });
      await own.ask('session.ping');
      return { answer: null, closes: null };
    case 'malformed frame': {
      const since = own.frames.length;
      sendMalformed(own, act.frame);
      return { answer: answerOf(await own.first(({ type }) => type === 'session.error', since)), closes: null };
    }
    case 'misplaced frame': {
      const another = authOf(stage, 'another');
      if (act.frame === 'second hello') return ask('session.hello', another);
      if (act.frame === 'session.resume') return ask('session.resume', { ...another, resume_token: 'rt_other' });
      return ask('session.ping', {}, { session_id: 'sess_another' });
    }
    case 'close':
    case 'bye':
      return { answer: answerOf(await own.ask(`session.${act.do}`)), ...(await closing(own)) };
    case 'refused submit':
      return ask('job.submit', { agent: 'nobody' });
    case 'cancel':
      return ask('job.cancel', { job_id: running });
    case 'cancel again':
      return ask('job.cancel', { job_id: cancelling });
    case 'cancel the ended job':
      return ask('job.cancel', { job_id: revoking });
    case 'cancel an unknown job':
      return ask('job.cancel', { job_id: 'job_unknown' });
    default:
      return undefined;
  }
}
