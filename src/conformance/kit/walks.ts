import { dial } from '../../transports/dial.ts';
import type { Transport } from '../../transports/transport.ts';
import { drive, WalkError } from '../driver.ts';
import type { Ability, ResumeAct } from '../model.ts';
import { type SessionStep, sessionWalks } from '../session-walks.ts';
import type { Stage } from '../stage.ts';
import { type Link, Wire } from '../wire.ts';
import { WireDriver } from '../wire-driver.ts';
import { authOf } from '../wire-frames.ts';
import { readFrame } from './peer.ts';
import { type Profile, type ResumeSpelling, resumeSpellings } from './profiles.ts';
import { Broken } from './requirement.ts';
import type { Subject } from './scene.ts';
import type { Transcript } from './transcript.ts';

/** What a runtime has to understand for the walks' spellings of a resume. */
const basesOf: Readonly<Record<ResumeAct['spelling'], readonly ResumeSpelling[]>> = {
  'session.resume': ['session.resume'],
  'session.resume with session_id': ['session.resume'],
  'hello with a resume block': ['hello with a resume block'],
  'hello with a resume block {token}': resumeSpellings,
  'hello with flat fields': ['hello with flat fields'],
  'hello with block and flat fields': resumeSpellings,
};

/**
 * The walks generated from the session chart, as far as a client from outside can bring them about: every handshake, resume,
 * drop, close and bye in every state, and jobs that finish and are cancelled, where agents are known. What a runtime's profile does not have is left out of them, or done the way it has.
 */
export function walksFor(subject: Subject): SessionStep[][] {
  const { profile, secondToken, echo, slow } = subject;
  const abilities = new Set<Ability>([
    ...(secondToken === undefined ? [] : ['secondPrincipal' as const]),
    ...(echo === undefined ? [] : ['echoAgent' as const]),
    ...(slow === undefined ? [] : ['slowAgent' as const]),
  ]);
  const { walks } = sessionWalks({ policy: { onBye: 'cancel', onExpire: 'keep' }, abilities, stepsMax: 60 });
  const adapted = walks.map((walk) => walk.map((step) => adapt(step, subject)));
  // Walks that end with what a profile does not have end before it.
  return adapted.map((walk) =>
    walk.slice(0, (walk.findIndex((step) => isBeyond(step, profile)) + 1 || Number.POSITIVE_INFINITY) - 1),
  );
}

function isBeyond({ data }: SessionStep, { bye }: Profile): boolean {
  return data?.act.do === 'bye' && bye === null;
}

/** The same step, with nothing in it that depends on more than the protocol and the profile. */
function adapt(step: SessionStep, subject: Subject): SessionStep {
  const { profile } = subject;
  const { data } = step;
  if (!data) return step;
  const { act, outcome } = data;
  switch (act.do) {
    case 'violate':
      // How long a frame may be is each runtime's own; one that no frame was too big for is dropped instead.
      if (act.how === 'binary frame' ? subject.refusesBinary : subject.frameBytesTooBig !== undefined) return step;
      return withDeed(step, 'drop with 1006', {
        act: { do: 'drop', code: 1006 },
        outcome: { ...outcome, closes: null },
      });
    case 'close':
      if (profile.close === 'session.close') return step;
      return withDeed(step, 'drop with 1000', {
        act: { do: 'drop', code: 1000 },
        outcome: { ...outcome, answer: null, closes: null },
      });
    case 'resume': {
      const isKnown = basesOf[act.spelling].every((base) => profile.understands.includes(base));
      if (isKnown) return step;
      const name = `${step.name} (as ${profile.resume})`;
      return withDeed(step, name, { act: { ...countable(act), spelling: profile.resume }, outcome });
    }
    case 'refused resume':
      if (act.has !== 'two different tokens' || profile.understands.includes('session.resume')) return step;
      return withDeed(step, 'first frame resumes with no count', { act: { ...act, has: 'no count' }, outcome });
    default:
      return step;
  }
}

/** Two tokens need two places to be written in; a cursor that is no count is refused alike. */
function countable(act: ResumeAct): ResumeAct {
  return act.token === 'two different ones' ? { ...act, token: 'current', cursor: 'no count' } : act;
}

function withDeed(step: SessionStep, name: string, data: NonNullable<SessionStep['data']>): SessionStep {
  return { ...step, name, data };
}

/** Takes one walk; a runtime that goes otherwise is told as the walk and the frames. */
export async function takeWalk(walk: readonly SessionStep[], subject: Subject, transcript: Transcript): Promise<void> {
  transcript.hide(subject.token, 'tok_…');
  transcript.hide(subject.secondToken ?? '', 'tok_…(second)');
  try {
    await drive(new WireDriver(urlStage(subject, transcript)), walk);
  } catch (error) {
    if (error instanceof WalkError) throw new Broken(error.message);
    throw error;
  }
}

/** A runtime behind a URL: it is spoken to, and cannot be asked. */
function urlStage(subject: Subject, transcript: Transcript): Stage {
  const { url, token, secondToken = '', profile, frameBytesTooBig = 1 } = subject;
  const transports: Transport[] = [];
  const open = async (): Promise<Link> => {
    const transport = await dial(url);
    transports.push(transport);
    const shown = told(transport, { number: transports.length, transcript });
    return linkOf(spoken(shown, profile), frameBytesTooBig - 1);
  };
  const nothing = async () => {};
  const stage: Stage = {
    open,
    tokens: { own: token, another: secondToken },
    agents: { echo: subject.echo, slow: subject.slow },
    frameBytesMax: frameBytesTooBig - 1,
    heartbeatMs: 0,
    stallTimeoutMs: 0,
    stallEvents: 0,
    stallBytes: 0,
    holdBytes: 0,
    advance: nothing,
    /** What was sent before a whole conversation on another connection has been read before it. */
    async settle() {
      const other = new Wire(linkOf(spoken(await dial(url), profile), 0));
      await other.ask('session.hello', authOf(stage, 'own'));
      await other.ask('session.bye');
      other.link.transport.close(1000);
    },
    sessions: async () => undefined,
    emit: nothing,
    end: nothing,
    breakJob: nothing,
    revoked: nothing,
    now: async () => 0,
    stepWall: nothing,
    delegate: async () => '',
    authorize: nothing,
    isStopped: async () => false,
    shutdown: nothing,
    crash: nothing,
    async close() {
      for (const transport of transports) transport.close(1000);
    },
  };
  return stage;
}

/** A connection over which the walks' own way of speaking is the runtime's. */
function spoken(transport: Transport, profile: Profile): Transport {
  return {
    send: (text) => transport.send(respelled(text, profile)),
    sendBytes: (bytes) => transport.sendBytes?.(bytes),
    close: (code, reason) => transport.close(code, reason),
    onMessage: (receive) => transport.onMessage((data) => receive(named(String(data)))),
    onClose: (closed) => transport.onClose(closed),
  };
}

/** A greeting of the walks that resumes, in the runtime's spelling. */
function respelled(text: string, { understands, resume }: Profile): string {
  const frame = understands.includes('session.resume') ? undefined : readFrame(text);
  if (frame?.type !== 'session.resume') return text;
  const { auth, ...wish } = frame.payload;
  const payload = resume === 'hello with flat fields' ? { auth, ...wish } : { auth, resume: wish };
  return JSON.stringify({ ...frame, type: 'session.hello', payload });
}

/** Answers name their request where the walks look for it; numbered frames stay as they are, to the byte. */
function named(text: string): string {
  const frame = readFrame(text);
  if (!frame || frame.event_seq !== undefined || frame.payload.request_id !== undefined) return text;
  const { reply_to = frame.id } = frame.payload;
  return JSON.stringify({ ...frame, payload: { ...frame.payload, request_id: reply_to } });
}

/** With what code a violation ends is a requirement of its own (ENV-13, ENV-14): here it only has to. */
function linkOf(inner: Transport, frameBytesMax: number): Link {
  const nothing = () => {};
  const transport: Transport = {
    send(text) {
      if (text.length > frameBytesMax && text.trim() === '') link.bringsCodes = false;
      inner.send(text);
    },
    close: (code, reason) => inner.close(code, reason),
    onMessage: (receive) => inner.onMessage(receive),
    onClose: (closed) => inner.onClose(closed),
  };
  const link: Link = {
    transport,
    sendBytes() {
      link.bringsCodes = false;
      inner.sendBytes?.(new Uint8Array([1, 2, 3]));
    },
    stall: nothing,
    resume: nothing,
    hold: nothing,
    release: nothing,
    bringsCodes: true,
  };
  return link;
}

/** The transport, with a transcript of what goes over it. */
function told(transport: Transport, { number, transcript }: { number: number; transcript: Transcript }): Transport {
  return {
    send(text) {
      const isPadding = text.trim() === '';
      if (isPadding) transcript.note(number, `we send a frame of ${text.length} bytes`);
      else transcript.sent(number, text.length > 400 ? `${text.slice(0, 400)}…` : text);
      transport.send(text);
    },
    sendBytes(bytes) {
      transcript.note(number, `we send a binary frame of ${bytes.length} bytes`);
      transport.sendBytes?.(bytes);
    },
    close(code, reason) {
      transcript.note(number, `we close the connection with ${code}`);
      transport.close(code, reason);
    },
    onMessage(receive) {
      transport.onMessage((data) => {
        const text = String(data);
        hideTokens(text, transcript);
        transcript.received(number, text, { type: /"type":"job\.event"/.test(text) ? 'job.event' : '', seq: '?' });
        receive(data);
      });
    },
    onClose(closed) {
      transport.onClose((code, reason) => {
        transcript.note(number, `closed, code ${code}`);
        closed(code, reason);
      });
    },
  };
}

function hideTokens(text: string, transcript: Transcript): void {
  for (const [, token] of text.matchAll(/"resume_token":"([^"]+)"/g)) transcript.hideResumeToken(token);
}
