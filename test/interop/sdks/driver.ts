import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { Frame } from '../../support/peer.ts';
import { inOneLine } from './one-line.ts';

/** What a driver says: the answer to a call (`n`), or what was given to the client, job or watch that a test named `of`. */
export interface Line {
  n?: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what calls of every kind give
  value?: any; // tidy: see above
  error?: { code?: string; message?: string; retryable?: boolean; details?: unknown; other?: string };
  of?: string;
  kind?: string;
  body?: unknown;
  /** An event that the SDK's own decoder does not take. */
  unread?: string;
  collected?: string | null;
  ended?: string;
  result?: Record<string, unknown>;
  /** What a client was given, and what it has said. */
  frame?: Frame;
  sent?: Frame;
  lost?: string;
}

/** What a call of an SDK's API is made on, what it makes, and its arguments as that SDK has them. */
export interface Call {
  on?: string;
  as?: string;
  args?: unknown;
}

/** A call that the SDK refused, or was refused: `code` is the protocol's. */
export class CallError extends Error {
  readonly code: string | undefined;
  readonly retryable: boolean | undefined;
  readonly details: unknown;

  constructor({ code, message, retryable, details, other }: NonNullable<Line['error']>) {
    super(other ?? `${code}: ${message}`);
    this.code = code;
    this.retryable = retryable;
    this.details = details;
  }
}

/** The real client of an SDK in a process of its own, led line by line. It ends with the test. */
export class Driver {
  readonly lines: Line[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  #calls = 0;
  #wake = () => {};
  #ended: Error | undefined;

  constructor(command: string, args: readonly string[] = []) {
    this.#child = spawn(command, args);
    let complaint = '';
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    this.#child.stdin.on('error', () => {});
    createInterface(this.#child.stdout).on('line', (text) => {
      this.lines.push(JSON.parse(text));
      this.#wake();
    });
    const closed = once(this.#child, 'close').then(([code, signal]) => {
      this.#ended = new Error(`the driver ended with ${code ?? signal}: ${complaint}`);
      this.#wake();
    });
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await closed;
    });
  }

  /** Makes one call and resolves with what it gave; rejects with a `CallError`. */
  async call(name: string, { on, as, args }: Call = {}) {
    this.#calls += 1;
    const n = this.#calls;
    this.#child.stdin.write(`${inOneLine({ n, do: name, on, as, args })}\n`);
    const { value, error } = await this.heard((line) => line.n === n);
    if (error) throw new CallError(error);
    return value;
  }

  /** Resolves with the first line that a condition holds of, once there is one. */
  async heard(wanted: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(wanted);
      if (found) return found;
      if (this.#ended) throw this.#ended;
      await new Promise<void>((resolve) => {
        const before = this.#wake;
        this.#wake = () => {
          before();
          resolve();
        };
      });
    }
  }

  /** How a job, or a watch, came to its end. */
  ended(of: string): Promise<Line> {
    return this.heard((line) => line.of === of && line.ended !== undefined);
  }

  /** The events that a job, or a watch, was given; one that the SDK could not decode has no body. */
  events(of: string): Line[] {
    return this.lines.filter((line) => line.of === of && line.kind !== undefined);
  }

  /** The frames that a client was given. */
  frames(of: string): Frame[] {
    return this.lines.flatMap((line) => (line.of === of && line.frame ? [line.frame] : []));
  }

  unread(): Line[] {
    return this.lines.filter(({ unread }) => unread !== undefined);
  }
}
