import type { Session } from '../session.ts';
import { encode } from '../wire/codec.ts';
import type { Dialect, RefusalForm } from '../wire/dialects.ts';
import type { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import { protocolVersion, type RuntimeFrameType } from '../wire/messages.ts';

/** Whom a reply answers, and which job it is about. A request without a usable id is `''`. */
export interface Address {
  requestId: string;
  jobId?: string | undefined;
  traceId?: string | undefined;
  /** Default: the request's. */
  envelopeId?: string;
}

/** What of a refused request decides in which form it is told (§10). */
export interface Refused {
  requestId: string;
  type?: string | undefined;
  jobId?: string | undefined;
}

export interface Reply {
  type: RuntimeFrameType;
  to: Address;
  payload: object;
}

/** The text of a reply: the request's id is in every place a client may look for it (§4). */
export function replyText({ type, to, payload }: Reply, { session, dialect }: { session: Session; dialect: Dialect }) {
  const { requestId, jobId, traceId, envelopeId = requestId } = to;
  const answer = requestId === '' ? { ...payload } : { ...payload, request_id: requestId, reply_to: requestId };
  return encode({
    arcp: protocolVersion,
    id: envelopeId || mintId('msg'),
    type,
    session_id: session.id,
    ...(jobId === undefined ? {} : { job_id: jobId }),
    ...(traceId === undefined ? {} : { trace_id: dialect.trace(traceId) }),
    payload: dialect.reply(type, answer),
  });
}

/** The replies that tell a refused request: one, but for clients that nobody can tell apart (§10). */
export function refusals(
  refused: Refused,
  error: ArcpError,
  { session, dialect, now }: { session: Session; dialect: Dialect; now: () => string },
): Reply[] {
  return formsOf(refused.type, { session, dialect }).map((form) => refusal(form, refused, { error, now }));
}

function formsOf(type: string | undefined, { session, dialect }: { session: Session; dialect: Dialect }) {
  // Whatever comes before the welcome, its client waits for what answers a hello.
  const request = session.tokens ? type : 'session.hello';
  return dialect.refused.get(request ?? '') ?? (['session.error'] as const);
}

function refusal(
  form: RefusalForm,
  { requestId, jobId }: Refused,
  { error, now }: { error: ArcpError; now: () => string },
): Reply {
  const payload = error.toPayload();
  const asJobError = (job: string | undefined): Reply => ({
    type: 'job.error',
    to: { requestId, jobId: job },
    payload: { ...(job === undefined ? {} : { job_id: job }), final_status: 'error', ...payload, completed_at: now() },
  });
  switch (form) {
    case 'session.error':
      return { type: 'session.error', to: { requestId }, payload };
    case 'session.error with an id of its own':
      return { type: 'session.error', to: { requestId, envelopeId: mintId('msg') }, payload };
    case 'job.error of a new job':
      return asJobError(mintId('job'));
    case 'job.error of that job':
      return asJobError(jobId ?? mintId('job'));
    case 'job.error of a job out of reach':
      // A job of its own, which is refused for other reasons, would end with it.
      return asJobError(error.code === 'JOB_NOT_FOUND' || error.code === 'PERMISSION_DENIED' ? jobId : undefined);
    case 'job.error without a job':
      return asJobError(undefined);
  }
}
