// §5 of the protocol: whatever a job emits, and whatever its subscribers do meanwhile, each of them has each event once.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { subscribe, world } from '../support/listing.ts';
import { type Frame, type Peer, quietFeatures } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';
import { enter, turn } from '../support/session.ts';

/** What a test does next; what makes no sense just then is passed over. */
type Act =
  | { do: 'emit'; count: number }
  | { do: 'leave out'; count: number }
  | { do: 'subscribe'; watcher: number; history: boolean; from: number; emits: number }
  | { do: 'unsubscribe' | 'drop' | 'resume' | 'own event'; watcher: number }
  | { do: 'turn' };

const watcher = fc.nat(1);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('emit' as const), count: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave out' as const), count: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      watcher,
      history: fc.boolean(),
      from: fc.nat(200),
      emits: fc.nat(90),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('unsubscribe', 'drop', 'resume', 'own event'), watcher }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
);

/** A session that watches: what it has seen, over all its connections, and what it may have seen of each subscription. */
interface Watcher {
  peer: Peer | undefined;
  resumeToken: string;
  seen: Frame[];
  /** Its subscriptions: they begin behind a number of its own, and with an index of what the job emitted. */
  subscriptions: { followsSeq: number; first: number; isOver: boolean; isPartlyGone: boolean }[];
}

/** One life of a job and two who watch it, and what has to have come of it. */
class Life {
  readonly at = world({ historyEvents: 60, bufferEvents: 100_000, maxFramesPerSecond: 1_000_000 });
  /** What the job has emitted, in order. */
  readonly emitted: { place: number; label: string }[] = [];
  readonly watchers: Watcher[] = [];
  jobId = '';
  #seq = 0;

  async begin(): Promise<void> {
    const { submit } = await enter(this.at, { features: ['subscribe'] });
    this.jobId = String((await submit('puppet')).job_id);
    for (let i = 0; i < 2; i += 1) {
      const { peer, resumeToken, submit: submitOwn } = await enter(this.at, { features: without('ack') });
      await submitOwn('other');
      this.watchers.push({ peer, resumeToken, seen: [], subscriptions: [] });
    }
  }

  async take(next: Act): Promise<void> {
    if (next.do === 'emit') return this.#emit(next.count);
    if (next.do === 'turn') return turn();
    if (next.do === 'leave out') {
      for (let i = 0; i < next.count; i += 1) this.#emitLeftOut();
      return turn();
    }
    const watching = this.watchers[next.watcher];
    if (!watching) return;
    if (next.do === 'own event') return this.at.other.jobs[next.watcher]?.context.log('info', 'own');
    if (next.do === 'resume') return watching.peer ? undefined : this.resume(watching);
    if (!watching.peer) return;
    if (next.do === 'drop') return this.#drop(watching, watching.peer);
    if (next.do === 'subscribe') return this.#subscribe(watching, watching.peer, next);
    watching.peer.send('job.unsubscribe', { job_id: this.jobId });
    await watching.peer.settle();
    for (const one of watching.subscriptions) one.isOver = true;
  }

  async #subscribe(watching: Watcher, peer: Peer, { history, from, emits }: Act & { do: 'subscribe' }): Promise<void> {
    const before = this.emitted.length;
    const asking = subscribe(peer, this.jobId, history ? { history, from_event_seq: from } : {});
    this.#emit(emits);
    const { subscribed_from, history_from, follows_event_seq: followsSeq } = (await asking).payload;
    const behind = (seq: number) => this.emitted.filter(({ place }) => place <= seq).length;
    const first = history ? behind(Math.max(from, history_from ?? 0)) : Math.max(before, behind(subscribed_from));
    for (const one of watching.subscriptions) one.isOver = true;
    watching.subscriptions.push({ followsSeq, first, isOver: false, isPartlyGone: history_from !== undefined });
  }

  async #drop(watching: Watcher, peer: Peer): Promise<void> {
    watching.peer = undefined;
    peer.drop();
    await peer.closed;
    watching.seen.push(...peer.sequenced());
    await turn();
  }

  async resume(watching: Watcher): Promise<void> {
    const peer = this.at.open();
    const cursor = watching.seen.at(-1)?.event_seq ?? 0;
    const welcome = await peer.resume(tokens.alice, { resume_token: watching.resumeToken, last_event_seq: cursor });
    expect(welcome.type).toBe('session.welcome');
    watching.resumeToken = String(welcome.payload.resume_token);
    watching.peer = peer;
    await peer.settle();
  }

  #emit(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.#seq += 1;
      this.emitted.push({ place: this.#seq, label: `event ${this.#seq}` });
      this.at.agent.job.log('info', `event ${this.#seq}`);
    }
  }

  #emitLeftOut(): void {
    const label = `left out ${this.emitted.length}`;
    this.emitted.push({ place: this.#seq + 0.5, label });
    this.at.agent.job.progress({ current: 1, message: label });
  }

  /** Everybody is there, the job ends, and all that is to come has come. */
  async end(): Promise<void> {
    for (const watching of this.watchers) if (!watching.peer) await this.resume(watching);
    this.#seq += 1;
    this.emitted.push({ place: this.#seq, label: 'end' });
    this.at.agent.finish();
    for (let i = 0; i < 5; i += 1) await turn();
    for (const watching of this.watchers) {
      await watching.peer?.settle();
      watching.seen.push(...(watching.peer?.sequenced() ?? []));
    }
  }

  check({ seen, subscriptions }: Watcher): void {
    expect(seen.map(({ event_seq }) => event_seq)).toEqual(seen.map((_, i) => i + 1));
    const ofJob = seen.filter((frame) => frame.job_id === this.jobId);
    for (const [i, { followsSeq, first, isOver, isPartlyGone }] of subscriptions.entries()) {
      const until = subscriptions[i + 1]?.followsSeq ?? Number.POSITIVE_INFINITY;
      const own = ofJob.filter(({ event_seq: seq = 0 }) => seq > followsSeq && seq <= until).map(labelOf);
      const expected = this.emitted.slice(first).map(({ label }) => label);
      // Of those left out behind one number, some may be gone with it.
      while (isPartlyGone && own[0] !== expected[0] && expected[0]?.startsWith('left out')) expected.shift();
      // One that was ended or replaced had the beginning of it, without a hole.
      expect(own).toEqual(isOver ? expected.slice(0, own.length) : expected);
    }
    const begun = subscriptions[0]?.followsSeq ?? Number.POSITIVE_INFINITY;
    expect(ofJob.filter(({ event_seq: seq = 0 }) => seq <= begun)).toEqual([]);
  }
}

const without = (left: string) => quietFeatures.filter((feature) => feature !== left);

function labelOf({ type, payload }: Frame): string {
  return type === 'job.event' ? payload.body.message : 'end';
}

test('§5 no hole and no repeat, whatever is emitted, subscribed, dropped, resumed and left in between', async () => {
  const lives = fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
    const life = new Life();
    await life.begin();
    for (const next of acts) await life.take(next);
    await life.end();
    for (const watching of life.watchers) life.check(watching);
  });
  // A failure tells its seed and the shortest acts that fail.
  await fc.assert(lives, { numRuns: Number(process.env.RUNS ?? 150) });
}, 120_000);
