// The acts of a connection that has yet to be welcomed.
import type { Observed } from './driver.ts';
import type { Act } from './model.ts';
import type { Stage } from './stage.ts';
import { Wire } from './wire.ts';
import { answerOf, authOf, sendMalformed } from './wire-frames.ts';

type Seen = Pick<Observed, 'answer' | 'closes'>;

/** The close that follows, where the carrier brings its code. */
export async function closing(wire: Wire): Promise<Pick<Observed, 'closes'>> {
  const code = await wire.ended;
  return wire.link.bringsCodes ? { closes: code } : {};
}

/** A greeting that is refused; undefined for any other act. */
export async function refusedGreeting(
  stage: Stage,
  first: Wire,
  { act, refusals }: { act: Act; refusals: number },
): Promise<Seen | undefined> {
  switch (act.do) {
    case 'unauthenticated hello': {
      const answer = await first.ask('session.hello', strangeHello(stage, act.has));
      return { answer: answerOf(answer), ...(await closing(first)) };
    }
    case 'refused resume': {
      const answer = await first.ask('session.resume', await strangeResume(stage, act.has));
      return { answer: answerOf(answer), ...(refusals < 2 ? { closes: null } : await closing(first)) };
    }
    case 'early frame': {
      const answer = await first.ask(act.frame, act.frame === 'job.submit' ? { agent: 'puppet' } : {});
      return { answer: answerOf(answer), ...(await closing(first)) };
    }
    case 'malformed first frame': {
      const since = first.frames.length;
      sendMalformed(first, act.frame);
      const answer = await first.first(({ type }) => type === 'session.error', since);
      return { answer: answerOf(answer), ...(await closing(first)) };
    }
    case 'be adopted': {
      const { token, leave } = await sideSession(stage, 'own');
      await leave();
      const answer = await first.ask('session.resume', { ...authOf(stage, 'own'), resume_token: token });
      await first.ask('session.bye');
      await first.ended;
      return { answer: answerOf(answer), closes: null };
    }
    default:
      return undefined;
  }
}

/** A session beside the one that is walked; `leave` drops it, so that its token stays good. */
export async function sideSession(stage: Stage, principal: 'own' | 'another') {
  const side = new Wire(await stage.open());
  const welcome = await side.ask('session.hello', authOf(stage, principal));
  const leave = async () => {
    side.link.transport.close(1006);
    await stage.settle();
  };
  return { side, token: String(welcome?.payload.resume_token), leave };
}

function strangeHello(stage: Stage, has: Extract<Act, { do: 'unauthenticated hello' }>['has']): object {
  if (has === 'no credentials') return {};
  if (has === 'another scheme') return authOf(stage, 'own', 'basic');
  return { auth: { scheme: 'bearer', token: 'tok-wrong' } };
}

async function strangeResume(stage: Stage, has: Extract<Act, { do: 'refused resume' }>['has']): Promise<object> {
  const auth = authOf(stage, 'own');
  switch (has) {
    case 'an unknown token':
      return { ...auth, resume_token: 'rt_unknown' };
    case 'two different tokens':
      return { ...auth, resume_token: 'rt_one', token: 'rt_other' };
    case 'no count':
      return { ...auth, resume_token: 'rt_unknown', last_event_seq: -1 };
    case "another principal's token": {
      const { token, leave } = await sideSession(stage, 'another');
      await leave();
      return { ...auth, resume_token: token, last_event_seq: 2 };
    }
  }
}
