import { type Greeting, SimClient, Violation } from './client.ts';
import { anyToken, drawGreetings } from './greetings.ts';
import type { Link } from './link.ts';
import type { Lives } from './lives.ts';
import type { Lots } from './lots.ts';
import type { Network } from './network.ts';
import type { PromisedSession } from './promised-session.ts';
import { drawSubmit, drawWatch, say } from './sayings.ts';

interface Surroundings {
  lots: Lots;
  tell(line: string): void;
  network: Network;
  lives: Lives;
}

/** The clients of a story and what they do. They outlive runtimes. */
export class People {
  readonly clients: SimClient[] = [];
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
    // Two clients may be the same person's.
    const names = around.lots.pick([
      ['ann', 'ben'],
      ['ann', 'ann'],
      ['ann', 'ann', 'ben'],
      ['ann', 'ben', 'ben'],
    ]);
    for (const name of names) this.clients.push(this.#client(name));
  }

  connect(): void {
    const { lots, tell, lives } = this.#around;
    const index = lots.below(this.clients.length);
    const client = this.clients[index];
    if (!client || client.attempts.size > (client.habit === 'careful' ? 0 : 2)) return;
    // Some hope in vain: nobody has told them that the runtime is another.
    const isLost = client.sessionId !== undefined && !lives.now.oracle.sessions.has(client.sessionId);
    if ((client.fate !== 'hopeful' || isLost) && lots.below(3) > 0) return this.#startAnew(index, client);
    const greetings = drawGreetings(client, lots, this.#tokens());
    tell(`${client.principal} connects, ${client.attempts.size} open: ${JSON.stringify(greetings)}`);
    const link = this.#link();
    client.connect(link, greetings);
    // The hasty do not wait for a welcome, and may so lose the token that they had.
    if (client.habit === 'hasty' && lots.oneIn(2)) client.send(link, 'session.ping', {});
  }

  submit(): void {
    const { lots, tell, lives } = this.#around;
    const client = lots.pick(this.clients);
    const link = client.live?.link;
    if (!link || lives.now.agents.count > 20) return;
    tell(`${client.principal} submits`);
    client.send(link, 'job.submit', drawSubmit(lots, lives.clock.now()));
  }

  say(): void {
    const { lots, tell } = this.#around;
    const client = lots.pick(this.clients);
    const link = client.live?.link;
    if (link) tell(`${client.principal} says ${say(client, link, { lots, jobId: this.#anyJob(client) })}`);
  }

  /** Somebody watches what somebody of the same name does elsewhere. */
  watch(): void {
    const { lots, tell } = this.#around;
    const able = this.clients.filter((client) => client.live && this.#elsewhere(client).length > 0);
    if (able.length === 0) return;
    const client = lots.pick(able);
    const { live } = client;
    const watched = [...(this.#sessionOf(client)?.watches.keys() ?? [])];
    const isEnd = watched.length > 0 && lots.oneIn(3);
    const job_id = lots.pick(isEnd ? watched : this.#elsewhere(client).slice(-4));
    // What comes of another request, while a history is read for one, cannot be told from what comes of that.
    const isRead = this.#around.lives.now.oracle.jobs.get(job_id)?.history.elsewhere;
    if (!live || (isRead && [...live.asked.values()].includes(job_id))) return;
    tell(`${client.principal} watches ${job_id}${isEnd ? ' no more' : ''}`);
    if (isEnd) client.send(live.link, 'job.unsubscribe', { job_id });
    else client.watch(live, job_id, drawWatch(lots, client.newestSeq));
  }

  /** Somebody else presents a token that is not his, thrice: he must get nothing. */
  steal(): void {
    const { lots, tell } = this.#around;
    const thief = new SimClient('thief', 'hasty', tell);
    const link = this.#link();
    const greeting = (): Greeting => ({ bearer: 'thief/1', token: anyToken(lots, this.#tokens()), cursor: 0 });
    thief.connect(link, [greeting(), greeting(), greeting()]);
    while (link.deliver('client') || link.deliver('server'));
    link.cut(0, 0);
  }

  /** A client comes back, unless its session is over; `exchange` brings all that is under way. */
  async comeBack(client: SimClient, exchange: () => Promise<void>): Promise<void> {
    for (const { link } of client.attempts) link.cut(1e9, 1e9);
    await exchange();
    for (const token of [...client.tokens]) {
      if (client.live || client.fate !== 'hopeful') break;
      for (let tries = 0; tries < 3 && !client.live; tries += 1) {
        client.connect(this.#link(), [{ bearer: `${client.principal}/1`, token, cursor: client.cursor }]);
        await exchange();
      }
    }
    const state = this.#sessionOf(client)?.state;
    // Others of the same person may have taken its session over.
    const isAlone = this.clients.every((other) => other === client || other.principal !== client.principal);
    const isOwed = isAlone && client.habit === 'careful' && client.fate === 'hopeful';
    if (!client.live && isOwed && (state === 'attached' || state === 'detached')) {
      throw new Violation(`${client.principal} cannot come back to ${client.sessionId}, which is ${state}`);
    }
  }

  /** A client that is back has seen everything. */
  expectWhole(client: SimClient): void {
    const session = this.#sessionOf(client);
    if (!client.live || !session || session.state !== 'attached') return;
    if (session.kept.newest !== client.cursor)
      throw new Violation(`${client.principal} has ${client.cursor} of ${session.kept.newest} events`);
  }

  #startAnew(index: number, client: SimClient): void {
    for (const { link } of client.attempts) link.cut(0, 0);
    this.clients[index] = this.#client(client.principal);
  }

  #client(principal: string): SimClient {
    const { lots, tell } = this.#around;
    return new SimClient(principal, lots.pick(['careful', 'hasty'] as const), tell);
  }

  /** One of its own session, of its person's other sessions, or anybody's. */
  #anyJob({ principal, jobIds }: SimClient): string {
    const { lots, lives } = this.#around;
    const jobs = [...lives.now.oracle.jobs.values()];
    const persons = jobs.filter(({ session, ended }) => session.principal === principal && ended === undefined);
    const ids = lots.pick([jobIds, persons.map(({ id }) => id), jobs.map(({ id }) => id)]);
    return lots.pick([...ids, 'job_unknown'].slice(-6));
  }

  /** Jobs of the other sessions of its person, but for those that it is about to go on with by itself. */
  #elsewhere(client: SimClient): string[] {
    const { principal } = client;
    const { oracle } = this.#around.lives.now;
    const session = this.#sessionOf(client);
    const jobs = [...oracle.jobs.values()].filter((job) => !session?.watches.get(job.id)?.isAwaited);
    return jobs.filter((job) => job.session.principal === principal && job.session !== session).map(({ id }) => id);
  }

  #sessionOf({ sessionId }: SimClient): PromisedSession | undefined {
    return this.#around.lives.now.oracle.sessions.get(sessionId ?? '');
  }

  #tokens(): string[] {
    const { oldTokens, now } = this.#around.lives;
    return [...oldTokens, ...now.oracle.tokens];
  }

  #link(): Link {
    const { network, lives } = this.#around;
    return network.add(lives.now.link());
  }
}
