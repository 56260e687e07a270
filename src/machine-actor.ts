import {
  type AnyActor,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
  type Snapshot,
} from 'xstate';
import type { Clock } from './clock.ts';
import { type KeptDelay, MachineDelays } from './machine-delays.ts';

export interface MachineActorOptions {
  machine: AnyStateMachine;
  id: string;
  input: unknown;
  clock: Clock;
  /** What `snapshot()` gave, perhaps in another process: the machine goes on from there. */
  from?: string | undefined;
  /** Told of everything in the actor's system, and of its root before anything of the machine runs. */
  inspect(event: InspectionEvent): void;
  /** What the machine's `log` actions say. */
  say(words: unknown[]): void;
}

/** Raised when texts of before cannot be read any more. */
const format = 1;

interface KeptMachine {
  format: typeof format;
  machine: Snapshot<unknown>;
  delays: readonly KeptDelay[];
  /** Whether it was told of its cancel: it hears of it once, however often it is restored. */
  told: 'nothing' | 'its cancel';
}

/**
 * An actor of a machine whose state can be kept as text and gone on from: its snapshot, with those of its children, and the
 * deadline of every delayed event in wall time.
 */
export class MachineActor {
  readonly actor: AnyActor;
  readonly #delays: MachineDelays;
  readonly #from: KeptMachine | undefined;
  #told: KeptMachine['told'];

  /** Throws where `from` is not a text of ours. */
  constructor({ machine, id, input, clock, from, inspect, say }: MachineActorOptions) {
    this.#delays = new MachineDelays(clock);
    this.#from = from === undefined ? undefined : read(from);
    this.#told = this.#from?.told ?? 'nothing';
    this.actor = createActor(machine, {
      id,
      input,
      inspect,
      clock: this.#delays.clock,
      logger: (...words: unknown[]) => say(words),
      ...(this.#from === undefined ? {} : { snapshot: this.#from.machine }),
    });
  }

  start(): void {
    this.#delays.begin(this.actor, this.#from?.delays ?? []);
    this.actor.start();
  }

  /** Tells it of its cancel, once; `deaf` where it does not listen, in the state it is in. */
  cancel(reason: string | undefined): 'heard' | 'deaf' {
    if (this.#told === 'its cancel') return 'heard';
    const event = reason === undefined ? { type: 'job.cancel' } : { type: 'job.cancel', reason };
    if (!this.actor.getSnapshot().can(event)) return 'deaf';
    this.#told = 'its cancel';
    this.actor.send(event);
    return 'heard';
  }

  /** Stops it, children and delays too, also where the machine has failed. */
  stop(): void {
    this.actor.stop();
    const { status, children } = this.actor.getSnapshot();
    // A machine that failed leaves its children running.
    if (status !== 'error') return;
    for (const child of Object.values<AnyActorRef | undefined>(children ?? {})) {
      if (child?.getSnapshot().status === 'active') child.send({ type: 'xstate.stop' });
    }
  }

  /** The whole state as JSON text; throws where JSON cannot hold it. Asked for between two turns, not inside an action. */
  snapshot(): string {
    const machine = this.actor.getPersistedSnapshot();
    const kept: KeptMachine = { format, machine, delays: this.#delays.keep(), told: this.#told };
    return JSON.stringify(kept);
  }
}

function read(text: string): KeptMachine {
  const kept = JSON.parse(text) as KeptMachine;
  if (kept.format === format) return kept;
  throw new Error(`a machine's snapshot of format ${kept.format} cannot be read; this version reads ${format}`);
}
