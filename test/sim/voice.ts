import type { Frame } from '../support/peer.ts';
import type { StoreView } from './disk.ts';
import { acceptanceOf } from './foresight.ts';
import { parsed, summary } from './frames.ts';
import type { Issuing } from './issuing.ts';
import { listedTextOf } from './listing.ts';
import { secretMark } from './promised-credentials.ts';
import type { PromisedSession } from './promised-session.ts';
import type { Promises } from './promises.ts';
import type { Policy } from './settings.ts';
import { count, type Tally } from './tally.ts';
import { isBefore, subscribedTextOf } from './watching.ts';
import { type Owed, owesWelcome, type Wire } from './wire.ts';

/** Of the oracle, what is needed to judge what the runtime says. */
export interface VoiceWorld {
  policy: Policy;
  tally: Tally;
  /** Every token that was ever told, the newest last. */
  tokens: string[];
  wires: ReadonlyMap<unknown, Wire>;
  store: StoreView;
  nowMs(): number;
  promises: Promises;
  issuing: Issuing;
  fault(message: string): void;
}

/** What the runtime says and closes, held against what it owes. */
export class Voice {
  readonly #world: VoiceWorld;

  constructor(world: VoiceWorld) {
    this.#world = world;
  }

  sends(wire: Wire, text: string): void {
    const { fault } = this.#world;
    const frame = parsed(text);
    if (!frame) return fault(`said what is no frame: ${text}`);
    wire.lastOutMs = this.#world.nowMs();
    if (frame.type === 'job.accepted') this.#world.issuing.begins(String(frame.job_id));
    if (text.includes(secretMark) && !mayHave(wire, frame)) fault(`told a secret: ${text}`);
    if (frame.event_seq !== undefined) this.#numbered(wire, frame.event_seq, text);
    else if (frame.type === 'session.ping') this.#pings(wire, frame);
    else this.#answers(wire, frame);
  }

  closes(wire: Wire, code: number): void {
    const { tally, fault, nowMs } = this.#world;
    const { session, phase } = wire;
    count(tally, `closed ${code}`);
    // What would have been told when the turn is over comes too late.
    const late = wire.owed.findIndex(({ isLate }) => !isLate);
    const first = late < 0 ? wire.owed.length : late;
    const isStalled = code === 4003 && phase === 'open' && session !== undefined && this.#mayStall(wire, session);
    if (isStalled || wire.owed[first]?.closes === code) for (const { undo } of wire.owed.splice(0, first)) undo?.();
    const [owed] = wire.owed;
    if (owed && (owed.or === code || (owed.answer === undefined && owed.closes === code))) wire.owed.shift();
    else if (isStalled) session.detach(nowMs());
    else fault(`closed ${session?.id ?? 'a handshake'} with ${code}, and owed ${told(wire.owed)}`);
    if (wire.owed.length > 0) fault(`closed with ${code} before it had said ${told(wire.owed)}`);
    wire.phase = 'over';
  }

  /** What was owed and not paid. What is promised is owed once it is committed. */
  check(turn: 'begun' | 'whole' = 'begun'): void {
    const { wires, store, fault } = this.#world;
    for (const { owed } of wires.values()) {
      const [first] = owed;
      if (first?.isLate && turn === 'begun') continue;
      if (first && (!store.lasts || (first.dueAt ?? Number.POSITIVE_INFINITY) <= store.committed))
        fault(`a ${first.asked?.type} was not answered: ${told(owed)}`);
    }
  }

  /** What was heard by now is written up to here. */
  wrote(position: number): void {
    for (const { owed } of this.#world.wires.values()) for (const one of owed) one.position ??= position;
  }

  /** Events of a session were freed: those that its connection has not had, it had no room for. */
  hasFreed(wire: Wire, { id, freed }: PromisedSession): void {
    const { policy, fault } = this.#world;
    if (wire.pushed >= freed || wire.missed >= freed) return;
    const isFull = wire.link.server.unsentBytes() >= policy.maxUnsentBytes;
    if (!isFull && !owesWelcome(wire) && wire.missed === 0) fault(`${id} has freed ${freed}, and had room for it`);
    wire.missed = freed;
  }

  /** The turn is over: nothing more is written for what was heard in it. */
  turned(): void {
    const { wires, store } = this.#world;
    this.wrote(store.written);
    for (const { owed } of wires.values()) for (const one of owed) one.dueAt ??= store.written;
  }

  /** What time alone has done to connections. */
  lapses(isDetached: (sessionId: string) => boolean): void {
    const { wires, policy, nowMs, store } = this.#world;
    for (const wire of wires.values()) {
      const { session, phase, owed, lastInMs, openedMs } = wire;
      const lostMs = lastInMs + 2 * policy.heartbeatMs;
      if (phase === 'handshake' && openedMs + policy.handshakeMs <= nowMs()) {
        wire.phase = 'over';
        owed.push({ closes: 4004 });
      } else if (phase === 'open' && session?.features.has('heartbeat') && lostMs <= nowMs()) {
        const isStalled = lostMs === nowMs() && this.#mayStall(wire, session);
        session.detach(lostMs);
        session.lostMs = lostMs;
        owed.push({ answer: 'session.error HEARTBEAT_LOST', closes: 4002, ...(isStalled && { or: 4003 }) });
      } else if (store.lasts && phase === 'open' && session && owed.length > 0 && this.#mayStall(wire, session)) {
        // It may have been let go, although what it is told of that waits.
        if (!isDetached(session.id)) continue;
        session.detach(nowMs());
        owed.push({ closes: 4003 });
      }
    }
  }

  #answers(wire: Wire, frame: Frame): void {
    const { fault } = this.#world;
    const [owed] = wire.owed;
    const said = summary(frame);
    if (!owed || owed.answer !== said)
      return fault(`a ${owed?.asked?.type ?? 'piece of nonsense'} was answered [${said}] and not ${told(wire.owed)}`);
    if (frame.session_id !== (owed.sessionId ?? wire.session?.id))
      fault(`said of another session: ${JSON.stringify(frame)}`);
    if (owed.asked && frame.payload.request_id !== owed.asked.id) fault(`answered another request: ${said}`);
    this.#expectKept(owed, said);
    if (owed.closes === undefined) wire.owed.shift();
    else owed.answer = undefined;
    if (frame.type === 'session.welcome') {
      // Pings that were due before it were left out.
      wire.lastPingMs = this.#world.nowMs();
      this.#welcomes(owed, frame);
    }
    if (frame.type === 'job.accepted') this.#accepts(owed, frame);
    const tells =
      frame.type === 'job.subscribed' ? subscribedTextOf : frame.type === 'session.jobs' ? listedTextOf : undefined;
    if (tells && tells(frame) !== owed.tells) fault(`told ${tells(frame)}, and not ${owed.tells}`);
    if (owed.watch ? !isBefore(owed.watch, frame) : 'follows_event_seq' in frame.payload)
      fault(`what is passed on does not follow ${frame.payload.follows_event_seq}`);
  }

  /** Nothing is promised before it is kept (§3, Crash). */
  #expectKept({ keeps, position = Number.POSITIVE_INFINITY }: Owed, said: string): void {
    const { store, fault } = this.#world;
    if (store.lasts && keeps && position > store.committed) fault(`said ${said} before it was kept`);
  }

  #welcomes({ session, asked, behind, token: minted }: Owed, { session_id: id, payload }: Frame): void {
    const { fault, tokens } = this.#world;
    const token: string = payload.resume_token;
    if (tokens.includes(token)) fault('a welcome brought a token for the second time');
    tokens.push(token);
    if (!session || session.id !== id) return fault(`a ${asked?.type} was welcomed to ${id} and not ${session?.id}`);
    if (behind?.() === false) fault(`${id} was resumed before its other connection was closed`);
    const features: string[] = payload.capabilities.features;
    if (features.join() !== [...session.features].join()) fault(`${id} was welcomed with the features ${features}`);
    if (minted) minted.text = token;
  }

  #accepts(owed: Owed, frame: Frame): void {
    const { remembered } = owed;
    const { fault } = this.#world;
    const accepted = acceptanceOf(frame);
    const id = String(frame.job_id);
    const given: { id: string; value: string }[] | undefined = frame.payload.credentials;
    const shown = given && JSON.stringify(given.map((one) => [one.id, one.value]));
    if (shown !== owed.tells) fault(`job ${id} was accepted with ${shown}, and not with ${owed.tells}`);
    if (owed.job) this.#world.promises.names(owed, id);
    if (!remembered) return;
    const isSame = id === remembered.job.id && (remembered.accepted ?? accepted) === accepted;
    if (!isSame) fault(`a repeat was answered ${accepted}, and not ${remembered.accepted}`);
    remembered.accepted = accepted;
  }

  #pings(wire: Wire, frame: Frame): void {
    const { fault, nowMs } = this.#world;
    if (owesWelcome(wire)) fault('pinged before the welcome');
    if (wire.phase !== 'open' || frame.session_id !== wire.session?.id) fault('pinged a connection that is not open');
    if (!wire.session?.features.has('heartbeat')) fault('pinged a session that has not negotiated heartbeats');
    wire.lastPingMs = nowMs();
  }

  #numbered(wire: Wire, seq: number, text: string): void {
    const { fault, policy, tally, store } = this.#world;
    const { session } = wire;
    if (!session || owesWelcome(wire)) return fault(`numbered before the welcome: ${text}`);
    const isOver = wire.phase === 'over' && !wire.owed[0]?.isSoon;
    if (isOver || parsed(text)?.session_id !== session.id)
      return fault(`numbered on a connection that is over: ${text}`);
    const jobId = parsed(text)?.job_id;
    const isPassedOn = ({ watch }: Owed) =>
      watch?.job.id === jobId && seq >= (watch?.firstSeq ?? Number.POSITIVE_INFINITY);
    if (wire.owed.some(isPassedOn)) fault(`passed on before it was said to be watched: ${text}`);
    if (seq !== wire.pushed + 1) fault(`after ${wire.pushed} came ${seq}: ${text}`);
    if (seq <= session.written) count(tally, 'event written again');
    session.written = Math.max(session.written, seq);
    if (toldText(session, seq) !== text) fault(`${seq} was kept otherwise: ${text}`);
    if (seq > store.newestOf(session.id)) fault(`said ${seq} of ${session.id} before it was kept`);
    wire.pushed = seq;
    const heldBytes = wire.link.server.unsentBytes() - Buffer.byteLength(text);
    // What is written is as long as what is kept, but for secrets.
    if (heldBytes - 100 * session.disclosed.size >= policy.maxUnsentBytes) fault(`${session.id} is not paced`);
  }

  #mayStall(wire: Wire, session: PromisedSession): boolean {
    const { policy, nowMs } = this.#world;
    const owesTooMuch = wire.pushed < session.kept.newest || wire.link.server.unsentBytes() > policy.maxUnsentBytes;
    return wire.pushed < wire.missed || (nowMs() - wire.lastDrainMs >= policy.stallMs && owesTooMuch);
  }
}

function told(owed: readonly Owed[]): string {
  return `[${owed.map(({ answer, closes }) => [answer, closes].filter((one) => one !== undefined).join(' ')).join(', ')}]`;
}

/** A secret is for who submitted the job: when it is accepted, and when it has another value (§9.8). */
function mayHave({ owed, session }: Wire, { type, event_seq: seq }: Frame): boolean {
  return type === 'job.accepted' ? owed[0]?.tells !== undefined : session?.disclosed.has(seq ?? 0) === true;
}

/** An event as its own client is told it: the log keeps it without the secret in it. */
function toldText({ kept, disclosed }: PromisedSession, seq: number): string | undefined {
  const text = kept.texts[seq - 1];
  const value = disclosed.get(seq);
  return value === undefined ? text : text?.replace(/\}\}\}$/, `,"value":"${value}"}}}`);
}
