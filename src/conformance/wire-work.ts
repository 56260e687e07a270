import type { FinalStatus } from '../../machines/index.ts';
import type { Observed } from './driver.ts';
import type { LogWitness } from './log-witness.ts';
import type { Stage } from './stage.ts';
import type { Wire } from './wire.ts';
import { answerOf } from './wire-frames.ts';

/** A job of an agent that is somebody else's, from its submit to its end; one that is cancelled has said something before. */
export async function work(
  own: Wire,
  how: 'finishes' | 'is cancelled',
  { stage, log }: { stage: Stage; log: LogWitness },
): Promise<Pick<Observed, 'answer' | 'closes'>> {
  const { echo = '', slow = { name: '', input: null } } = stage.agents ?? {};
  const isCancelled = how === 'is cancelled';
  const submit = isCancelled ? { agent: slow.name, input: slow.input } : { agent: echo, input: { walk: [1, 2] } };
  const accepted = await own.ask('job.submit', submit);
  const seen = { answer: answerOf(accepted), closes: null };
  if (accepted?.type !== 'job.accepted') return seen;
  const jobId = String(accepted.payload.job_id);
  if (isCancelled) {
    await own.first(({ type, job_id }) => type === 'job.event' && job_id === jobId);
    const answer = await own.ask('job.cancel', { job_id: jobId });
    if (answer?.type !== 'job.cancelled') log.fault(`the cancel of a running job was answered with ${answer?.type}`);
  }
  const wanted: FinalStatus = isCancelled ? 'cancelled' : 'success';
  const end = await own.first(({ type, job_id }) => job_id === jobId && /^job\.(result|error)$/.test(type));
  const status = end?.payload.final_status;
  if (status !== wanted) log.fault(`a job that ${how} ended ${status ?? 'with its connection'}, and not ${wanted}`);
  return seen;
}
