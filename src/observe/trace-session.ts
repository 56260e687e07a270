import type { Session } from '../session.ts';
import type { SessionTrace, Tracing } from './tracing.ts';

/** Tells of the life of a session, from the welcome on, as its chart goes through it. */
export function traceSession(session: Session, tracing: Tracing): void {
  let trace: SessionTrace | undefined;
  let { state } = session;
  const end = () => trace?.end();
  session.actor.subscribe({
    next() {
      if (session.state === state) return;
      ({ state } = session);
      // A socket that never says who it is has no session to speak of, nor has one that was adopted by another.
      if (session.principal === '') return;
      trace ??= tracing.session({ sessionId: session.id, principal: session.principal });
      trace.changed(state);
    },
    error: end,
    complete: end,
  });
}
