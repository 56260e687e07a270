import { isErrorCode } from '../../src/wire/errors.ts';
import type { Frame } from '../support/peer.ts';
import { seeded } from '../support/socket.ts';
import type { FuzzFrame } from './corpus.ts';
import { Line } from './line.ts';

/** How a connection may end that has sent nothing but a fuzz: a goodbye it asked for, a policy, another protocol. */
const codesAllowed = [1000, 1002, 1008];

interface Sent {
  frame: FuzzFrame;
  id: string;
  text: string;
}

/** One who sends whatever was drawn, and checks each answer. */
export class Attacker {
  readonly faults: string[] = [];
  /** Answers by type and code, and ends by close code. */
  readonly tally = new Map<string, number>();
  readonly #url: string;
  readonly #token: string;
  readonly #below: (limit: number) => number;
  #line: Line | undefined;
  #count = 0;

  constructor(url: string, { token, seed }: { token: string; seed: number }) {
    this.#url = url;
    this.#token = token;
    this.#below = seeded(seed);
  }

  /** Sends frames past a welcome, all at once, and checks what was answered to each. */
  async attack(frames: readonly FuzzFrame[], { leave }: { leave: boolean }): Promise<void> {
    const line = await this.#connected();
    const answers = new Map<string, string[]>();
    let unnamed = 0;
    line.onFrame = (frame) => {
      this.#note(frame);
      if (frame.type === 'session.error' && frame.payload.request_id === undefined) unnamed += 1;
      else if (frame.event_seq === undefined) {
        const told = `${frame.type} ${frame.payload.code ?? ''}`.trim();
        answers.set(frame.payload.request_id, [...(answers.get(frame.payload.request_id) ?? []), told]);
      }
    };
    const sent = frames.map((frame) => this.#written(frame));
    for (const { text } of sent) line.send(text);
    const nonce = this.#nextId();
    line.say('session.ping', { nonce }, nonce);
    const pong = await line.next((frame) => frame.payload.ping_nonce === nonce);
    if (!pong) return this.#fault(`the connection ended with ${await line.closed} in the middle of`, sent);
    const isRefused = ({ frame, id }: Sent) =>
      frame.kind !== 'broken' || !frame.named || answers.get(id)?.join() === 'session.error INVALID_REQUEST';
    for (const each of sent) {
      if (!isRefused(each)) this.#fault(`answered with [${answers.get(each.id)?.join() ?? ''}], not refused:`, [each]);
    }
    const nameless = sent.filter(({ frame }) => frame.kind === 'broken' && !frame.named).length;
    if (unnamed < nameless)
      this.#fault(`${nameless} frames cannot be named, ${unnamed} refusals are without a name:`, sent);
    if (leave) await this.#leave(line);
  }

  /** Says one thing on a connection that is nobody's: one error, and the end. */
  async knock(frame: FuzzFrame): Promise<void> {
    const line = await Line.dial(this.#url);
    const codes: string[] = [];
    line.onFrame = (answer) => {
      this.#note(answer);
      codes.push(String(answer.payload.code));
    };
    const sent = this.#written(frame);
    line.send(sent.text);
    const end = await line.closed;
    this.#end(end);
    const allowed = frame.kind === 'broken' ? ['INVALID_REQUEST'] : ['INVALID_REQUEST', 'UNAUTHENTICATED'];
    const isRight = codes.length === 1 && allowed.includes(codes[0] ?? '') && codesAllowed.includes(end);
    if (!isRight) this.#fault(`before the welcome, answered with [${codes}] and ${end}:`, [sent]);
  }

  /** Ends what it has open: politely, or by dropping. */
  async retire(): Promise<void> {
    if (this.#line) await this.#leave(this.#line);
  }

  async #leave(line: Line): Promise<void> {
    this.#line = undefined;
    line.say('session.bye', {});
    this.#end(await line.closed);
  }

  async #connected(): Promise<Line> {
    if (this.#line && !this.#line.isOver) return this.#line;
    const line = await Line.dial(this.#url);
    this.#line = line;
    if (!(await line.hello(this.#token))) this.faults.push('a hello between the fuzz was not welcomed');
    return line;
  }

  #note(frame: Frame): void {
    const { code } = frame.payload;
    if (frame.type === 'session.error' || frame.type === 'job.error') {
      if (!isErrorCode(code)) this.faults.push(`another code: ${code}`);
      if (frame.type === 'session.error' && code === 'INTERNAL_ERROR') this.faults.push(JSON.stringify(frame));
    }
    this.#tell(`${frame.type} ${code ?? ''}`.trim());
  }

  #end(code: number): void {
    if (!codesAllowed.includes(code)) this.faults.push(`a connection ended with ${code}`);
    this.#tell(`closed ${code}`);
  }

  #tell(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  #written(frame: FuzzFrame): Sent {
    const id = this.#nextId();
    return { frame, id, text: frame.text(id, this.#below) };
  }

  #fault(what: string, sent: readonly Sent[]): void {
    const texts = sent.slice(0, 60).map(({ text }) => text.slice(0, 2000));
    this.faults.push([what, ...texts].join('\n  '));
  }

  /** No id becomes another by losing a character. */
  #nextId(): string {
    this.#count += 1;
    return `f${this.#count}.${this.#below(2 ** 31).toString(36)}`;
  }
}
