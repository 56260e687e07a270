import { randomBytes } from 'node:crypto';
import type { CredentialRequest, Provisioner, ProvisionerCall } from '../../src/index.ts';
import { puppet, simulatedRuntime, tokens } from './runtime.ts';
import { enter, quietFeatures } from './session.ts';

export type Verb = 'issue' | 'rotate' | 'revoke';

/** Calls that a test can make wait, or fail, by their kind. */
function gate() {
  const held = new Set<Verb>();
  const failing = new Map<Verb, () => unknown>();
  let waiting: { verb: Verb; go: () => void }[] = [];
  return {
    async pass(verb: Verb): Promise<void> {
      if (held.has(verb)) await new Promise<void>((go) => waiting.push({ verb, go }));
      const failure = failing.get(verb);
      if (failure) throw failure();
    },
    /** Calls of this kind wait from now on. */
    hold: (verb: Verb) => void held.add(verb),
    /** Those that wait go on, and no more wait. */
    release(verb: Verb): void {
      held.delete(verb);
      const going = waiting.filter((one) => one.verb === verb);
      waiting = waiting.filter((one) => one.verb !== verb);
      for (const { go } of going) go();
    },
    fail: (verb: Verb, error: () => unknown) => void failing.set(verb, error),
    recover: (verb: Verb) => void failing.delete(verb),
  };
}

/** A service that sells access by keys, and a provisioner for it. */
export function upstream() {
  /** What is good now: value by credential id. */
  const live = new Map<string, string>();
  /** Every value there ever was. */
  const values: string[] = [];
  /** `verb id`, in order, as each call came in. */
  const calls: string[] = [];
  const requests: CredentialRequest[] = [];
  const signals: AbortSignal[] = [];
  const { pass, ...controls } = gate();

  function called(verb: Verb, id: string, { signal }: ProvisionerCall): Promise<void> {
    calls.push(`${verb} ${id}`);
    signals.push(signal);
    return pass(verb);
  }
  function key(id: string) {
    const value = `sk-${randomBytes(12).toString('hex')}`;
    values.push(value);
    live.set(id, value);
    return { id, value, endpoint: 'https://gateway.example/v1', profile: 'openai' };
  }
  const provisioner: Provisioner = {
    async issue(request, call) {
      requests.push(request);
      const id = request.mintId();
      await called('issue', id, call);
      return [key(id)];
    },
    async rotate({ id }, call) {
      await called('rotate', id, call);
      return key(id);
    },
    async revoke(id, call) {
      await called('revoke', id, call);
      live.delete(id);
    },
  };
  const countOf = (verb: Verb) => calls.filter((call) => call.startsWith(verb)).length;
  return { provisioner, live, values, calls, requests, signals, countOf, ...controls };
}

export const credentialFeatures = [...quietFeatures, 'provisioned_credentials'];

/** A runtime whose jobs have a credential each. */
export function provisionedRuntime(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const up = upstream();
  const at = simulatedRuntime({
    agents: [agent.agent],
    provisioner: up.provisioner,
    resumeWindowSec: 3600,
    ...options,
  });
  const join = (token = tokens.alice, features = credentialFeatures) => enter(at, { token, features });
  return { ...at, agent, up, join };
}

/** The same with one job that runs. */
export async function provisionedJob(
  options: Partial<Parameters<typeof simulatedRuntime>[0]> = {},
  submit: object = {},
) {
  const at = provisionedRuntime(options);
  const owner = await at.join();
  const accepted = await owner.submit('puppet', submit);
  const [credential] = accepted.payload.credentials ?? [];
  return { ...at, ...owner, accepted, credential, jobId: String(accepted.job_id) };
}
