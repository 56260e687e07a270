import type { JobContext } from './job-context.ts';
import { ArcpError } from './wire/errors.ts';
import type { AgentListing } from './wire/messages.ts';

/** An agent: a name, a version, and what it does with a job. Several versions of a name may be given (§7). */
export interface AgentDefinition<Input = unknown> {
  /** Letters, digits, `_ . - /`, beginning with a letter or digit. */
  name: string;
  /** Default `1.0.0`. */
  version?: string;
  /** The version a submit without one gets; without a mark, the highest. */
  default?: boolean;
  /**
   * Runs one job. What it returns (or resolves to) is the inline result, JSON and at most 1 MiB; what it throws ends the
   * job with `INTERNAL_ERROR`, its text going to the log and not to the client.
   */
  run(job: JobContext<Input>): unknown;
}

/** One version of an agent, found. */
export interface Agent {
  name: string;
  version: string;
  run(job: JobContext): unknown;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$/;

/** Checks a definition where it is written, and gives it its types. */
export function defineAgent<Input = unknown>(definition: AgentDefinition<Input>): AgentDefinition<Input> {
  const { name, version = '1.0.0', run } = definition;
  if (!namePattern.test(name)) throw new TypeError(`agent name ${JSON.stringify(name)} must match ${namePattern}`);
  if (!versionPattern.test(version)) {
    throw new TypeError(`version ${JSON.stringify(version)} of agent ${name} must match ${versionPattern}`);
  }
  if (typeof run !== 'function') throw new TypeError(`agent ${name} needs a run(job) function`);
  return definition;
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
    versions.set(version, { name, version, run: (job) => definition.run(job) });
    this.#versionsByName.set(name, versions);
    if (definition.default) this.#defaultByName.set(name, version);
  }
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
