import type { AnyStateMachine } from 'xstate';
import { ArcpError } from '../wire/errors.ts';
import type { AgentListing } from '../wire/messages.ts';
import type { Job } from './job.ts';
import type { JobContext } from './job-context.ts';
import { MachineRun } from './machine-agent.ts';

/** What every agent has: a name and a version. Several versions of a name may be given (§7). */
interface AgentIdentity {
  /** Letters, digits, `_ . - /`, beginning with a letter or digit. */
  name: string;
  /** Default `1.0.0`. */
  version?: string;
  /** The version a submit without one gets; without a mark, the highest. */
  default?: boolean;
}

/** An agent that is a function. */
export interface RunAgentDefinition<Input = unknown> extends AgentIdentity {
  /**
   * Runs one job. What it returns (or resolves to) is the inline result, JSON and at most 1 MiB; what it throws ends the
   * job with `INTERNAL_ERROR`, its text going to the log and not to the client.
   */
  run(job: JobContext<Input>): unknown;
  /**
   * What becomes of a job that is cut by the end of the process, where the store is durable: it ends with `INTERNAL_ERROR`
   * (retryable), or begins again with the same input. Default 'fail'.
   */
  onRestart?: 'fail' | 'rerun';
  machine?: undefined;
}

/**
 * An agent that is an XState machine. The machine's `input` is the job's, its `output` is the inline result; a machine that
 * fails ends the job with `INTERNAL_ERROR`. Each event that it emits is one of the job's: `emit({ type: 'progress', current,
 * total })`, or any other kind of §8 and `x-vendor.*` as its type. A cancel, a timeout and a shutdown reach it as
 * `{ type: 'job.cancel', reason? }`; it has the cancel's grace to come to a final state, and is stopped at once where it does
 * not listen for that event. `jobOf(self)` is the job, for actions and invoked actors.
 *
 * Where the store is durable, its snapshot is kept after every turn, at most 1 MiB of JSON, and a job that is cut by the end
 * of the process goes on from there: entry actions are not run again, delays end when they would have, invoked promises and
 * callbacks start again (at least once).
 */
export interface MachineAgentDefinition<Machine extends AnyStateMachine = AnyStateMachine> extends AgentIdentity {
  machine: Machine;
  run?: undefined;
  onRestart?: undefined;
}

export type AgentDefinition<Input = unknown> = RunAgentDefinition<Input> | MachineAgentDefinition;

/** One version of an agent, found. */
export interface Agent {
  name: string;
  version: string;
  /** What becomes of its jobs that the end of the process cuts. A machine's are restored. */
  onRestart: 'fail' | 'rerun' | 'restore';
  run(context: JobContext, job: Job): unknown;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$/;

/** Checks a definition where it is written, and gives it its types: exactly one of `run` and `machine`. */
export function defineAgent<Input = unknown>(definition: RunAgentDefinition<Input>): RunAgentDefinition<Input>;
export function defineAgent<Machine extends AnyStateMachine>(
  definition: MachineAgentDefinition<Machine>,
): MachineAgentDefinition<Machine>;
export function defineAgent(definition: AgentDefinition): AgentDefinition;
export function defineAgent(definition: AgentDefinition): AgentDefinition {
  const { name, version = '1.0.0' } = definition;
  if (!namePattern.test(name)) throw new TypeError(`agent name ${JSON.stringify(name)} must match ${namePattern}`);
  if (!versionPattern.test(version)) {
    throw new TypeError(`version ${JSON.stringify(version)} of agent ${name} must match ${versionPattern}`);
  }
  checkWork(definition);
  return definition;
}

function checkWork({ name, run, machine, onRestart }: AgentDefinition): void {
  if ((run === undefined) === (machine === undefined)) {
    throw new TypeError(`agent ${name} needs either a run(job) function or a machine`);
  }
  if (run !== undefined && typeof run !== 'function') throw new TypeError(`run of agent ${name} must be a function`);
  if (machine !== undefined && typeof machine.getInitialSnapshot !== 'function') {
    throw new TypeError(`machine of agent ${name} must be an XState machine`);
  }
  if (machine !== undefined && onRestart !== undefined) {
    throw new TypeError(`agent ${name} is a machine: it is restored, and has no onRestart`);
  }
  if (onRestart !== undefined && onRestart !== 'fail' && onRestart !== 'rerun') {
    throw new TypeError(`onRestart of agent ${name} must be 'fail' or 'rerun'`);
  }
}

/** Every agent of a runtime, by name and version. */
export class AgentDirectory {
  readonly #versionsByName = new Map<string, Map<string, Agent>>();
  readonly #defaultByName = new Map<string, string>();

  constructor(definitions: readonly AgentDefinition[]) {
    for (const definition of definitions) this.#add(defineAgent(definition));
    for (const [name, versions] of this.#versionsByName) {
      if (this.#defaultByName.has(name)) continue;
      const highest = [...versions.keys()].sort(byVersion).at(-1);
      if (highest !== undefined) this.#defaultByName.set(name, highest);
    }
  }

  /** Finds `name` or `name@version`: `INVALID_REQUEST`, `AGENT_NOT_AVAILABLE` or `AGENT_VERSION_NOT_AVAILABLE` (§7). */
  resolve(reference: string): Agent {
    const [name = '', version, ...rest] = reference.split('@');
    if (!namePattern.test(name) || rest.length > 0 || (version !== undefined && !versionPattern.test(version))) {
      throw new ArcpError(
        'INVALID_REQUEST',
        `malformed agent name ${JSON.stringify(reference)}; write name or name@version`,
      );
    }
    const versions = this.#versionsByName.get(name);
    if (!versions) throw new ArcpError('AGENT_NOT_AVAILABLE', `there is no agent ${JSON.stringify(name)} here`);
    const agent = versions.get(version ?? this.#defaultByName.get(name) ?? '');
    if (agent) return agent;
    throw new ArcpError('AGENT_VERSION_NOT_AVAILABLE', `agent ${name} has no version ${JSON.stringify(version)}`, {
      available: [...versions.keys()].sort(byVersion),
    });
  }

  /** Exactly this version, where it is still served. */
  find(reference: string): Agent | undefined {
    const [name = '', version = ''] = reference.split('@');
    return this.#versionsByName.get(name)?.get(version);
  }

  /** What a welcome says of the agents (§6.2). */
  list(): AgentListing[] {
    return [...this.#versionsByName].map(([name, versions]) => ({
      name,
      versions: [...versions.keys()].sort(byVersion),
      default: this.#defaultByName.get(name) ?? '',
    }));
  }

  #add(definition: AgentDefinition): void {
    const { name, version = '1.0.0' } = definition;
    const versions = this.#versionsByName.get(name) ?? new Map<string, Agent>();
    if (versions.has(version)) throw new TypeError(`agent ${name}@${version} is defined twice`);
    if (definition.default && this.#defaultByName.has(name)) throw new TypeError(`agent ${name} has two defaults`);
    versions.set(version, { name, version, ...workOf(definition) });
    this.#versionsByName.set(name, versions);
    if (definition.default) this.#defaultByName.set(name, version);
  }
}

function workOf(definition: AgentDefinition): Pick<Agent, 'onRestart' | 'run'> {
  const { machine } = definition;
  if (machine === undefined) {
    return { onRestart: definition.onRestart ?? 'fail', run: (context) => definition.run(context) };
  }
  return {
    onRestart: 'restore',
    async run(context, job) {
      // Not within the action that starts the job: a machine that makes its actors there is taken for a mistake by XState.
      await undefined;
      context.signal.throwIfAborted();
      job.machine = new MachineRun(machine, { context, job });
      return job.machine.run();
    },
  };
}

/** 1.10.0 comes after 1.9.0, and after each of its own prereleases. */
function byVersion(a: string, b: string): number {
  const [coreA = '', ...prereleaseA] = a.split('-');
  const [coreB = '', ...prereleaseB] = b.split('-');
  const byCore = coreA.localeCompare(coreB, 'en', { numeric: true });
  if (byCore !== 0) return byCore;
  if (prereleaseA.length === 0 || prereleaseB.length === 0) return prereleaseB.length - prereleaseA.length;
  return prereleaseA.join('-').localeCompare(prereleaseB.join('-'), 'en', { numeric: true });
}
