import type { AnyStateMachine, EventObject } from 'xstate';
import type { Job } from './job.ts';
import type { JobContext } from './job-context.ts';
import { MachineActor, stoppedText } from './machine-actor.ts';

/** Longest snapshot of a machine: its text is written anew after every turn in which it changed. */
export const snapshotBytesMax = 2 ** 20;

/** What a machine agent's run ends with when it was put aside to be restored in another process: nothing has ended. */
export const suspended = Symbol('suspended');

const contexts = new WeakMap<object, JobContext>();

/**
 * The job that a machine agent's actor works for, asked for by the actor itself or any actor below it:
 * `fromPromise(({ self }) => jobOf(self).tool(…))`. So nothing that cannot be kept has to be in a context or an input.
 */
export function jobOf(self: { readonly system: object }): JobContext {
  const context = contexts.get(self.system);
  if (context) return context;
  throw new Error('jobOf(): this actor works for no job of a machine agent');
}

/**
 * One job of a machine agent: an actor of the machine on the runtime's clock. Its `input` is the job's, its `output` the
 * inline result, its emitted events those of the job. A cancel, a timeout or a shutdown reaches it as `job.cancel`.
 *
 * Keeping. Where the store lasts, `job.kept.changed` is told, synchronously, whenever anything in the actor's system has
 * changed; `snapshot()` is asked for when the turn is over, and written in one batch with the frames of the turn (src/records/ledger.ts):
 * what the machine has emitted and the state that follows from it stand or fall together.
 */
export class MachineRun {
  readonly #context: JobContext;
  readonly #job: Job;
  readonly #machine: MachineActor;
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #graceTimer: unknown;
  // Not within the action that fires the signal: see src/jobs/agents.ts.
  readonly #cancel = () => queueMicrotask(() => this.#cancelled());

  constructor(machine: AnyStateMachine, { context, job }: { context: JobContext; job: Job }) {
    this.#context = context;
    this.#job = job;
    const { id, input, settings, agent, kept } = job;
    this.#machine = new MachineActor({
      machine,
      id,
      input,
      clock: settings.clock,
      from: kept?.from,
      say: (words) => settings.log.info({ jobId: id, agent: agent.name, words }, 'a machine agent says'),
      inspect: (event) => {
        // The first is told of while the actor is being made: contexts and inputs may ask for their job already.
        if (event.type === '@xstate.actor') nameJob(event.actorRef, context);
        if (event.type === '@xstate.snapshot') kept?.changed(job);
      },
    });
  }

  /** Starts it. Resolves with the machine's output or `suspended`; rejects when it failed, or was stopped. */
  run(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#begin();
    });
  }

  /**
   * The state as text, which `kept.from` takes; undefined where the job has ended. A machine that cannot be kept fails its job,
   * also if the process ends right now.
   */
  snapshot(): string | undefined {
    if (this.#job.status !== 'running') return undefined;
    try {
      const text = this.#job.secrets.hide(this.#machine.snapshot());
      if (Buffer.byteLength(text) <= snapshotBytesMax) return text;
      throw new RangeError(`the machine's snapshot is over ${snapshotBytesMax} bytes`);
    } catch (error) {
      this.#end(() => this.#reject(error));
      return stoppedText;
    }
  }

  /** Stops it without a word, to be restored elsewhere from what was kept: nothing of it is kept from now on. */
  suspend(): void {
    this.#end(() => this.#resolve(suspended));
  }

  #begin(): void {
    const { actor } = this.#machine;
    const { signal } = this.#context;
    const emitting = actor.on('*', ({ type, ...body }: EventObject) => {
      try {
        this.#context.emit(type, body);
      } catch (error) {
        // As if the agent had thrown: nothing more of this turn goes out.
        emitting.unsubscribe();
        this.#end(() => this.#reject(error));
      }
    });
    actor.subscribe({
      complete: () => {
        const { status, output } = actor.getSnapshot();
        this.#end(() => (status === 'done' ? this.#resolve(output) : this.#reject(signal.reason)));
      },
      error: (error) => {
        // XState tells its watchers of no snapshot here.
        this.#job.kept?.changed(this.#job);
        this.#end(() => this.#reject(error));
      },
    });
    signal.addEventListener('abort', this.#cancel, { once: true });
    this.#machine.start();
  }

  /** A machine that does not listen for its cancel, in the state it is in, has nothing to be waited for. */
  #cancelled(): void {
    const { actor } = this.#machine;
    if (actor.getSnapshot().status !== 'active') return;
    const { cancelReason } = this.#job;
    const event = cancelReason === undefined ? { type: 'job.cancel' } : { type: 'job.cancel', reason: cancelReason };
    if (!this.#listensFor(event)) return this.#machine.stop();
    actor.send(event);
    if (actor.getSnapshot().status === 'active') this.#allowGrace();
  }

  #listensFor(event: EventObject): boolean {
    try {
      return this.#machine.actor.getSnapshot().can(event);
    } catch {
      // A guard that throws would fail the machine.
      return false;
    }
  }

  #allowGrace(): void {
    const { clock, cancelGraceMs } = this.#job.settings;
    this.#graceTimer = clock.setTimeout(() => this.#machine.stop(), cancelGraceMs);
  }

  /** Settles it, once; whatever still runs of the machine stops. */
  #end(settle: () => void): void {
    settle();
    this.#job.settings.clock.clearTimeout(this.#graceTimer);
    this.#job.abort.signal.removeEventListener('abort', this.#cancel);
    this.#machine.stop();
  }
}

function nameJob(ref: object, context: JobContext): void {
  if ('system' in ref && typeof ref.system === 'object' && ref.system !== null) contexts.set(ref.system, context);
}
