import { createRuntime, defineAgent, type JobContext, simulatedClock } from '../../src/index.ts';
import { recordingLog } from '../support/runtime.ts';
import { seeded } from '../support/socket.ts';
import { SimClient, Violation } from './client.ts';
import { Link } from './link.ts';

/** What a simulated job was told to do, so that its end can be traced to a cause. */
interface SimJob {
  context: JobContext;
  finish(result: unknown): void;
  fail(error: Error): void;
  causes: Set<'finish' | 'fail' | 'cancel' | 'bye' | 'expiry' | 'timeout'>;
}

const windowSec = 60;

/**
 * One runtime, some clients, their links and jobs, in virtual time: each step one thing happens, drawn by the seed, and what
 * the protocol promises is checked. The same seed is the same story, step for step.
 */
export class World {
  readonly #random: (below: number) => number;
  readonly #clock = simulatedClock();
  readonly #jobs: SimJob[] = [];
  readonly #links: Link[] = [];
  readonly #clients: SimClient[] = [];
  readonly #onBye: 'cancel' | 'keep';
  readonly #onExpire: 'cancel' | 'keep';
  readonly #runtime;
  readonly story: string[] = [];
  readonly log = recordingLog();

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#onBye = this.#pick(['cancel', 'keep'] as const);
    this.#onExpire = this.#pick(['cancel', 'keep'] as const);
    const agent = defineAgent({
      name: 'sim',
      run: (context) =>
        new Promise((finish, fail) => {
          this.#jobs.push({ context, finish, fail, causes: new Set() });
          context.log('info', 'begun');
        }),
    });
    this.#runtime = createRuntime({
      agents: [agent],
      authenticate: ({ token }) => (token ? { principal: token } : null),
      clock: this.#clock,
      log: this.log,
      resumeWindowSec: windowSec,
      cancelGraceSec: 20,
      heartbeatSec: this.#pick([10, 30, 100_000]),
      backPressure: this.#pick([5, 1000]),
      maxUnsentBytes: this.#pick([2_000, 8 * 2 ** 20]),
      onBye: this.#onBye,
      onExpire: this.#onExpire,
    });
    for (let index = 0; index < 1 + this.#random(3); index += 1) {
      this.#clients.push(new SimClient(`client-${index}`, (line) => this.#tell(line)));
    }
  }

  get replayed(): number {
    return this.#clients.reduce((sum, client) => sum + client.replayed, 0);
  }

  /** One random thing happens; then everything that follows at once; then the promises are checked. */
  async step(): Promise<void> {
    const acts: [weight: number, act: () => void][] = [
      [10, () => this.#deliverMany()],
      [3, () => this.#connect()],
      [2, () => this.#submit()],
      [5, () => this.#emit()],
      [1, () => this.#endJob()],
      [3, () => this.#say()],
      [3, () => this.#disturb()],
      [3, () => this.#learn()],
      [2, () => this.#passTime()],
      [1, () => this.#steal()],
    ];
    const weighted = acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act));
    this.#pick(weighted)();
    await turn();
    this.#check();
  }

  /** The storm is over: every link works, every job ends, every client says goodbye; then nothing may be left. */
  async calm(): Promise<void> {
    for (const client of this.#clients) await this.#comeBack(client);
    for (const job of this.#jobs) {
      job.causes.add('finish');
      job.finish('calm');
    }
    await this.#exchange();
    for (const client of this.#clients) this.#expectWhole(client);
    for (const link of this.#links) this.#cut(link, 1e9);
    await this.#exchange();
    // The window, and once more for tombstones; then a day for idempotency keys and ended jobs.
    for (const seconds of [windowSec, 30, windowSec, 100_000]) {
      this.#clock.advance(seconds * 1000);
      await turn();
    }
    this.#check();
    if (this.#runtime.sessions().length > 0)
      throw new Violation(`left behind: ${JSON.stringify(this.#runtime.sessions())}`);
    if (this.#clock.nextInMs() !== undefined) throw new Violation('a timer was left behind');
    const errors = this.log.lines.filter(({ level, message }) => level === 'error' && message !== 'agent failed');
    if (errors.length > 0) throw new Violation(`the runtime logged an error: ${JSON.stringify(errors[0])}`);
  }

  // What can happen.

  #connect(): void {
    const client = this.#pick(this.#clients);
    if (client.parting === 'bye' || client.attempts.size > 2) return;
    const [token] = client.tokens;
    if (token === undefined && client.attempts.size > 0) return;
    const link = this.#link();
    if (token === undefined) {
      client.connect(link);
      return;
    }
    const back = this.#random(Math.min(client.newestSeq - client.acked, 5) + 1);
    client.connect(link, { token: this.#pick(client.tokens), resumeFrom: client.newestSeq - back });
  }

  #submit(): void {
    const client = this.#pick(this.#clients);
    const link = client.live?.link;
    if (!link || this.#jobs.length > 12) return;
    this.#tell(`${client.principal} submits`);
    const limit = this.#random(4) === 0 ? { max_runtime_sec: 15 } : {};
    client.send(link, 'job.submit', { agent: 'sim', input: { limited: 'max_runtime_sec' in limit }, ...limit });
  }

  #emit(): void {
    if (this.#jobs.length === 0) return;
    const count = 1 + this.#random(8);
    this.#tell(`a job emits ${count}`);
    const { context } = this.#pick(this.#jobs);
    for (let i = 0; i < count; i += 1) context.log('info', `line ${i} ${'x'.repeat(this.#random(100))}`);
  }

  #endJob(): void {
    if (this.#jobs.length === 0) return;
    const job = this.#pick(this.#jobs);
    const how = this.#pick(['finish', 'fail'] as const);
    this.#tell(`a job's agent: ${how}`);
    job.causes.add(how);
    if (how === 'finish') job.finish({ ok: true });
    else job.fail(new Error('simulated'));
  }

  /** The client says something: an acknowledgement, a cancel, a goodbye, or nonsense. */
  #say(): void {
    const client = this.#pick(this.#clients);
    const link = client.live?.link;
    if (!link) return;
    const jobId = client.jobIds[this.#random(Math.max(1, client.jobIds.length))];
    const what = this.#pick(['ack', 'ack', 'cancel', 'ping', 'nonsense', 'hello', 'close', 'bye'] as const);
    this.#tell(`${client.principal} says ${what}`);
    if (what === 'ack') {
      client.acked = client.newestSeq;
      client.send(link, 'session.ack', { last_processed_seq: client.newestSeq });
    } else if (what === 'cancel' && jobId !== undefined) {
      for (const job of this.#jobs) if (job.context.id === jobId) job.causes.add('cancel');
      client.send(link, 'job.cancel', { job_id: jobId });
    } else if (what === 'ping') client.send(link, 'session.ping', {});
    else if (what === 'nonsense')
      link.client.send(this.#pick(['{', '[]', '{"arcp":"1.1"}', '{"arcp":"2","type":"x"}']));
    else if (what === 'hello')
      client.send(link, 'session.hello', { auth: { scheme: 'bearer', token: 'somebody-else' } });
    else if (what === 'close') client.send(link, 'session.close', {});
    else if (what === 'bye') {
      client.parting = 'bye';
      client.send(link, 'session.bye', {});
    }
  }

  #disturb(): void {
    if (this.#links.length === 0) return;
    const link = this.#pick(this.#links.slice(-4));
    // Of a half-open link nothing can be had any more, but its end.
    const how =
      link.condition === 'half-open' ? 'cut' : this.#pick(['cut', 'stall', 'half-open', 'heal', 'heal'] as const);
    this.#tell(`a link: ${how}`);
    if (how === 'cut') this.#cut(link, this.#random(2_000));
    else if (how === 'stall') link.condition = 'stalled';
    else if (how === 'half-open') link.condition = 'half-open';
    else if (link.condition === 'stalled') link.condition = 'well';
  }

  #learn(): void {
    if (this.#links.length === 0) return;
    const link = this.#pick(this.#links);
    link.learn(this.#pick(['client', 'server'] as const));
  }

  #passTime(): void {
    const seconds = this.#pick([0.1, 0.5, 1, 1, 5, 10, 20, 31, windowSec - 0.001, windowSec, windowSec + 1]);
    this.#tell(`${seconds} s pass`);
    for (const job of this.#jobs) {
      if (this.#onExpire === 'cancel') job.causes.add('expiry');
      if (job.context.input && JSON.stringify(job.context.input).includes('true')) job.causes.add('timeout');
    }
    this.#clock.advance(seconds * 1000);
  }

  /** Somebody else presents a token that is not his: he must get nothing. */
  #steal(): void {
    const token = this.#pick(this.#clients).tokens[0];
    if (token === undefined) return;
    this.#tell('a thief presents a token');
    const link = this.#link();
    const thief = new SimClient('thief', () => {});
    thief.connect(link, { token, resumeFrom: 0 });
    while (link.deliver('client') || link.deliver('server')) {
      if (thief.sessionId !== undefined) throw new Violation('a thief was welcomed');
    }
    this.#cut(link, 0);
  }

  // The wire.

  #link(): Link {
    const link = new Link();
    this.#links.push(link);
    this.#runtime.accept(link.server);
    return link;
  }

  #deliverMany(): void {
    const links = this.#links.filter((link) => !link.over).slice(-6);
    for (let count = 1 + this.#random(40); count > 0 && links.length > 0; count -= 1) {
      this.#pick(links).deliver(this.#pick(['client', 'server'] as const));
    }
  }

  #cut(link: Link, bytes: number): void {
    link.cut(this.#random(bytes + 1), this.#random(bytes + 1));
  }

  /** Everything under way arrives, until nothing is. */
  async #exchange(): Promise<void> {
    for (let moved = true; moved; ) {
      await turn();
      moved = false;
      for (const link of this.#links) {
        if (link.condition === 'stalled') link.condition = 'well';
        for (const from of ['client', 'server'] as const) {
          while (link.deliver(from)) moved = true;
          if (link.learn(from)) moved = true;
        }
      }
      this.#check();
    }
  }

  async #comeBack(client: SimClient): Promise<void> {
    for (const { link } of client.attempts) this.#cut(link, 1e9);
    await this.#exchange();
    if (client.tokens.length === 0 || client.parting === 'bye') return;
    const refusedBefore = client.refusals.length;
    for (const token of [...client.tokens]) {
      if (client.live) break;
      client.connect(this.#link(), { token, resumeFrom: client.newestSeq });
      await this.#exchange();
    }
    const session = this.#runtime.sessions().find(({ sessionId }) => sessionId === client.sessionId);
    const resumable = session && session.state !== 'expired' && session.state !== 'closed';
    if (!client.live && resumable) {
      throw new Violation(
        `${client.principal} cannot resume ${JSON.stringify(session)}: ${JSON.stringify(client.refusals.slice(refusedBefore))}`,
      );
    }
  }

  // What must hold.

  #check(): void {
    const seen = new Set<string>();
    for (const session of this.#runtime.sessions()) {
      if (seen.has(session.sessionId)) throw new Violation('a session stands twice');
      seen.add(session.sessionId);
    }
    for (const client of this.#clients) this.#checkConnections(client);
    for (const job of this.#jobs) this.#checkCause(job);
  }

  /** At most one connection of a session is open at the runtime's end, of those that were welcomed. */
  #checkConnections(client: SimClient): void {
    const open = [...client.attempts].filter(
      ({ link, expected }) => expected !== undefined && link.server.state === 'open' && link.client.state === 'open',
    );
    if (open.length > 1) throw new Violation(`${client.principal} has ${open.length} live connections`);
  }

  #checkCause(job: SimJob): void {
    const told = job.context.signal.aborted;
    // A job may still have been on its way in when its client said bye.
    const owner = this.#clients.find(({ principal }) => principal === job.context.principal);
    if (owner?.parting === 'bye' && this.#onBye === 'cancel') job.causes.add('bye');
    const mayStop = ['cancel', 'bye', 'expiry', 'timeout'] as const;
    if (told && !mayStop.some((cause) => job.causes.has(cause))) {
      throw new Violation(`job ${job.context.id} was stopped without a cause`);
    }
    for (const client of this.#clients) {
      const terminal = client.terminals.get(job.context.id);
      if (!terminal) continue;
      const needed = { success: 'finish', error: 'fail', timed_out: 'timeout', cancelled: undefined } as const;
      const status: keyof typeof needed = terminal.payload.final_status;
      const cause = needed[status];
      if (cause !== undefined && !job.causes.has(cause)) throw new Violation(`job ended ${status} without a ${cause}`);
      if (status === 'cancelled' && !told) throw new Violation('a job ended cancelled that was never stopped');
    }
  }

  /** A client that is back has seen everything, and every job of its session that it knows of has ended once. */
  #expectWhole(client: SimClient): void {
    if (!client.live) return;
    const session = this.#runtime.sessions().find(({ sessionId }) => sessionId === client.sessionId);
    if (session?.newestSeq !== client.newestSeq) {
      throw new Violation(`${client.principal} has ${client.newestSeq} of ${session?.newestSeq} events`);
    }
    for (const jobId of client.jobIds) {
      if (!client.terminals.has(jobId)) throw new Violation(`job ${jobId} never ended for ${client.principal}`);
    }
  }

  #tell(line: string): void {
    this.story.push(line);
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[this.#random(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}

/** What follows at once, in microtasks and promises, has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
