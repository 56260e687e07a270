// docs/examples/litellm-provisioner.js against a proxy of LiteLLM's shape on this machine, over real HTTP.
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/client.ts';
import type { CredentialRequest, Provisioner } from '../../src/index.ts';
import { gateway } from '../support/gateway.ts';
import { recordingLog } from '../support/runtime.ts';
import { start } from './example.ts';

interface Module {
  litellm(options: { url: string; masterKey: string; attemptMs?: number; backoffMs?: number }): Required<Provisioner>;
}

const example = new URL('../../docs/examples/litellm-provisioner.js', import.meta.url);

async function world(masterKey?: string) {
  const proxy = await gateway();
  const { litellm }: Module = await import(example.href);
  const quick = { attemptMs: 500, backoffMs: 1 };
  const provisioner = litellm({ url: proxy.url, masterKey: masterKey ?? proxy.masterKey, ...quick });
  let minted = 0;
  const request: CredentialRequest = {
    ...{ jobId: 'job_1', principal: 'alice', agent: 'ask@1.0.0', traceId: undefined },
    lease: { 'model.use': ['gpt-4o-mini'], 'cost.budget': ['USD:0.05'] },
    budget: ['USD:0.05'],
    mintId: () => `cred_${++minted}`,
  };
  const call = { signal: new AbortController().signal };
  const issue = async (given: Partial<CredentialRequest> = {}) => {
    const [credential] = await provisioner.issue({ ...request, ...given }, call);
    if (!credential) throw new Error('no credential');
    return { scheme: 'bearer', ...credential };
  };
  return { proxy, provisioner, request, call, issue };
}

describe('litellm-provisioner.js: a key', () => {
  test('is made for the models, the budget and the time of the lease, under the name of its credential', async () => {
    const { proxy, issue } = await world();
    const credential = await issue();
    expect(credential).toMatchObject({
      ...{ id: 'cred_1', endpoint: `${proxy.url}/v1`, profile: 'openai' },
      constraints: { 'model.use': ['gpt-4o-mini'], 'cost.budget': ['USD:0.05'] },
    });
    expect(proxy.keys.get(credential.value)).toEqual({
      ...{ alias: 'cred_1', models: ['gpt-4o-mini'], max_budget: 0.05, duration: '3600s', spend: 0 },
      metadata: { arcp_job: 'job_1', arcp_principal: 'alice' },
    });
  });

  test('is not made for a job that may use no model', async () => {
    const { provisioner, request, call, proxy } = await world();
    expect(await provisioner.issue({ ...request, lease: { 'fs.read': ['/data/**'] } }, call)).toEqual([]);
    expect(proxy.requests).toEqual([]);
  });

  test('is deleted by its name; one that is not there is deleted as well', async () => {
    const { provisioner, call, proxy, issue } = await world();
    const { id } = await issue();
    await provisioner.revoke(id, call);
    await provisioner.revoke(id, call);
    await provisioner.revoke('cred_never', call);
    expect([...proxy.keys]).toEqual([]);
  });

  test('is rotated: a new one with the same terms, the old one gone; both names are deleted at the end', async () => {
    const { provisioner, call, proxy, issue } = await world();
    const first = await issue();
    const second = { scheme: 'bearer', ...(await provisioner.rotate(first, call)) };
    expect([...proxy.keys.keys()]).toEqual([second.value]);
    expect(proxy.keys.get(second.value)).toMatchObject({ models: ['gpt-4o-mini'], max_budget: 0.05 });
    const third = await provisioner.rotate(second, call);
    expect([...proxy.keys.keys()]).toEqual([third.value]);
    expect(new Set([first.id, second.id, third.id]).size).toBe(1);
    await provisioner.revoke(first.id, call);
    expect([...proxy.keys]).toEqual([]);
  });
});

describe('litellm-provisioner.js: trouble with the proxy', () => {
  test('an answer that is lost, a busy proxy, and one that hangs are tried again, and leave one key', async () => {
    for (const fault of ['lost answer', { status: 503 }, { status: 429 }, 'hang'] as const) {
      const { proxy, issue } = await world();
      proxy.fail('/key/generate', fault);
      const { value } = await issue();
      expect([...proxy.keys.keys()], JSON.stringify(fault)).toEqual([value]);
    }
  });

  test('after three attempts it is a failure; a refusal is one at once', async () => {
    const { proxy, issue } = await world();
    proxy.fail('/key/generate', { status: 500 }, 3);
    await expect(issue()).rejects.toMatchObject({ status: 500 });
    expect(proxy.requests.filter((path) => path === '/key/generate')).toHaveLength(3);
    proxy.fail('/key/generate', { status: 400 });
    await expect(issue()).rejects.toMatchObject({ status: 400 });
    expect(proxy.requests.filter((path) => path === '/key/generate')).toHaveLength(4);
  });

  test('who no longer waits ends it', async () => {
    const { proxy, provisioner, request } = await world();
    proxy.fail('/key/generate', 'hang', 3);
    const controller = new AbortController();
    const issued = provisioner.issue(request, { signal: controller.signal });
    controller.abort();
    await expect(issued).rejects.toThrow('/key/generate');
  });

  test('no error holds a key: not the master’s, not a virtual one, not what the proxy said', async () => {
    const { proxy, issue, provisioner, call } = await world('sk-wrong-master-key');
    const refused = await issue().catch((error: Error) => error);
    proxy.fail('/key/delete', { status: 418 });
    const undeleted = await Promise.resolve(provisioner.revoke('cred_1', call)).catch((error: Error) => error);
    for (const error of [refused, undeleted]) {
      expect(error).toBeInstanceOf(Error);
      const told = error instanceof Error ? `${error.message} ${error.stack} ${JSON.stringify(error)}` : '';
      expect(told).not.toMatch(/sk-/);
    }
  });
});

describe('litellm-provisioner.js: a runtime with it', () => {
  const lease = { 'model.use': ['gpt-4o-mini'], 'cost.budget': ['USD:0.02'] };

  async function serving() {
    const proxy = await gateway();
    const log = recordingLog();
    const served = await start('litellm-provisioner.js', { gatewayUrl: proxy.url, masterKey: proxy.masterKey, log });
    const client = await connect(served.url, { token: 'tok-alice' });
    const ask = (model: string) => client.submit('ask', { model, question: 'Why?' }, { lease });
    return { proxy, log, client, ask };
  }

  test('has a key made for a job, which works for its models, and is gone when the job has ended', async () => {
    const { proxy, client, ask } = await serving();
    const job = await ask('gpt-4o-mini');
    const [credential] = job.credentials;
    expect(credential).toMatchObject({ endpoint: `${proxy.url}/v1`, constraints: { 'model.use': ['gpt-4o-mini'] } });
    expect(await job.result()).toBe('an answer of gpt-4o-mini');
    expect([...proxy.keys]).toEqual([]);
    expect(proxy.everyKey).toEqual([credential?.value]);
    await client.bye();
  });

  test('leaves what the job may not do to the proxy, and tells no key when that refuses', async () => {
    const { proxy, log, client, ask } = await serving();
    const job = await ask('gpt-5-large');
    await expect(job.result()).rejects.toMatchObject({ code: 'INTERNAL_ERROR' });
    expect([...proxy.keys]).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toMatch(/sk-/);
    expect(JSON.stringify(log.lines)).toContain('the gateway answered 403');
    await client.bye();
  });

  test('refuses the submit while the proxy is down, and ends a job whose key it cannot delete yet', async () => {
    const { proxy, client, ask, log } = await serving();
    proxy.fail('/key/generate', { status: 500 }, 3);
    await expect(ask('gpt-4o-mini')).rejects.toMatchObject({ code: 'INTERNAL_ERROR', retryable: true });
    proxy.fail('/key/delete', { status: 500 }, 2);
    const job = await ask('gpt-4o-mini');
    expect(await job.result()).toBe('an answer of gpt-4o-mini');
    expect([...proxy.keys]).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toMatch(/sk-/);
    await client.bye();
  });
});
