// The frames of the walks' acts, as text or as type and payload.
import type { Act, ResumeAct } from './model.ts';
import type { Answer } from './reference.ts';
import type { Stage } from './stage.ts';
import type { Wire, WireFrame } from './wire.ts';

/** What the reference compares of an answer. */
export function answerOf(frame: WireFrame | null): Answer | null {
  if (!frame) return null;
  const { code, details } = frame.payload;
  const reason = details?.reason;
  return { type: frame.type, ...(code === undefined ? {} : { code }), ...(reason === undefined ? {} : { reason }) };
}

export function authOf(stage: Stage, principal: 'own' | 'another', scheme = 'bearer') {
  return { auth: { scheme, token: stage.tokens[principal] } };
}

/** Sends a malformed frame; its answer has no request to name, unless the frame had an id. */
export function sendMalformed(
  wire: Wire,
  frame: Extract<Act, { do: 'malformed frame' | 'malformed first frame' }>['frame'],
): void {
  const texts = {
    'not JSON': '{"arcp":',
    'without a type': '{"arcp":"1.1","payload":{}}',
    'of another version': '{"arcp":"1.0","type":"session.hello","payload":{}}',
    'session.open': '{"arcp":"1.0","type":"session.open","payload":{}}',
    'of an unknown type': '{"arcp":"1.1","type":"session.dance","payload":{}}',
    'with a wrong field': '{"arcp":"1.1","type":"job.submit","payload":{"agent":7}}',
  };
  wire.link.transport.send(texts[frame]);
}

/** Sends a resume in the act's spelling (§6.3) and returns the request's id. */
export function sendResume(
  newer: Wire,
  act: ResumeAct,
  { stage, token, cursor, sessionId }: { stage: Stage; token: string; cursor: unknown; sessionId: string },
): string {
  const auth = act.principal === 'nobody' ? {} : authOf(stage, act.principal);
  const at = { last_event_seq: cursor };
  const session_id = act.namesAnother ? 'sess_another' : sessionId;
  const named = act.namesAnother ? { session_id } : {};
  if (act.token === 'two different ones') {
    return newer.send('session.hello', { ...auth, resume: { resume_token: token, ...at }, resume_token: 'rt_other' });
  }
  switch (act.spelling) {
    case 'session.resume':
      return newer.send('session.resume', { ...auth, resume_token: token, ...at, ...named });
    case 'session.resume with session_id':
      return newer.send('session.resume', { ...auth, resume_token: token, ...at, session_id });
    case 'hello with a resume block':
      return newer.send('session.hello', { ...auth, resume: { session_id, resume_token: token, ...at } });
    case 'hello with a resume block {token}':
      return newer.send('session.hello', { ...auth, resume: { token, ...at, ...named } });
    case 'hello with flat fields':
      return newer.send('session.hello', { ...auth, resume_token: token, ...at, ...named });
    case 'hello with block and flat fields': {
      const resume = { session_id, resume_token: token, ...at };
      return newer.send('session.hello', { ...auth, resume, resume_token: token, ...at });
    }
  }
}
