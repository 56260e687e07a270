import {
  type AnyActor,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
  type Snapshot,
} from 'xstate';
import type { Clock } from '../clock.ts';
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
}

/**
 * An actor of a machine whose state can be kept as text and gone on from: its snapshot, with those of its children, and the
 * deadline of every delayed event in wall time.
 */
export class MachineActor {
  readonly actor: AnyActor;
  readonly #delays: MachineDelays;
  readonly #from: KeptMachine | undefined;

  /** Throws where `from` is not a text of ours, or that of a machine that had been stopped. */
  constructor({ machine, id, input, clock, from, inspect, say }: MachineActorOptions) {
    this.#delays = new MachineDelays(clock);
    this.#from = from === undefined ? undefined : read(from);
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
    const kept: KeptMachine = { format, machine, delays: this.#delays.keep() };
    return JSON.stringify(kept);
  }
}

/** The text of a machine that will not go on: what is restored from it has failed. */
export const stoppedText = JSON.stringify({ format, machine: { status: 'stopped' }, delays: [] });

function read(text: string): KeptMachine {
  const kept = JSON.parse(text) as KeptMachine;
  if (kept.machine.status === 'stopped') throw new Error('the machine was stopped before its process ended');
  if (kept.format === format) return kept;
  throw new Error(`a machine's snapshot of format ${kept.format} cannot be read; this version reads ${format}`);
}
