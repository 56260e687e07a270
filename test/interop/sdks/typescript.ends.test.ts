// §10: how jobs of the client of the TypeScript SDK itself are refused, and how they end (docs/interop.md).
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Provisioner } from '../../../src/index.ts';
import { upstream } from '../../support/upstream.ts';
import { checkoutFrom } from './checkout.ts';
import { stage, unread } from './typescript/stage.ts';

const arcpx = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const checkout = checkoutFrom('ARCP_TYPESCRIPT_SDK');

describe.skipIf(checkout === '').each(['', '?dialect=typescript'])(
  '§10 the client of the TypeScript SDK itself %s',
  (query) => {
    test('hears of each refused submit, and goes on with what runs', async () => {
      const { client, agent, sdk } = await stage(checkout, { query });
      const running = await client.submit('puppet');
      const refused = async (name: string, options: object, code: string) =>
        expect(client.submit(name, options)).rejects.toMatchObject({ code, retryable: false });
      await refused('nobody', {}, 'AGENT_NOT_AVAILABLE');
      await refused('echo@9.9.9', {}, 'AGENT_VERSION_NOT_AVAILABLE');
      await refused('No Name', {}, 'INVALID_REQUEST');
      await refused('echo', { lease: { 'no.such': ['*'] } }, 'INVALID_REQUEST');
      await refused('echo', { leaseConstraints: { expires_at: '2001-01-01T00:00:00Z' } }, 'INVALID_REQUEST');
      await refused('echo', { maxRuntimeSec: 0 }, 'INVALID_REQUEST');
      agent.emit(1);
      agent.finish('well');
      expect((await running.done()).result).toMatchObject({ result: 'well' });
      expect(client.seqs).toEqual([1, 2]);
      expect(await client.list()).toMatchObject({ jobs: [{ job_id: running.id }] });
      expect(unread(sdk)).toEqual([]);
    });

    test('takes a refusal between two submits under way for that of the one that was refused', async () => {
      const { client } = await stage(checkout, { query });
      const [before, refused, behind] = await Promise.allSettled([
        client.submit('echo', { input: 'before' }),
        client.submit('nobody'),
        client.submit('echo', { input: 'behind' }),
      ]);
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'AGENT_NOT_AVAILABLE' } });
      const results = [before, behind].map(async (one) => {
        if (one.status === 'rejected') throw one.reason;
        return (await one.value.done()).result?.result;
      });
      expect(await Promise.all(results)).toEqual(['before', 'behind']);
    });

    test('hears that an agent failed', async () => {
      const { client, agent, sdk } = await stage(checkout, { query });
      const job = await client.submit('puppet');
      agent.fail(new Error('a secret'));
      const error = { code: 'INTERNAL_ERROR', retryable: true, message: 'the agent failed' };
      expect(await job.done()).toMatchObject({ ended: 'error', error });
      expect(unread(sdk)).toEqual([]);
    });

    test('hears that the lease of its job is over', async () => {
      const { client, sdk } = await stage(checkout, { query });
      const expires_at = new Date(Date.now() + 1000).toISOString();
      const job = await client.submit('puppet', { lease: { 'fs.read': ['/**'] }, leaseConstraints: { expires_at } });
      expect(job.accepted.leaseConstraints).toEqual({ expires_at });
      expect(await job.done()).toMatchObject({ ended: 'error', error: { code: 'LEASE_EXPIRED', retryable: false } });
      expect(unread(sdk)).toEqual([]);
    });

    test('hears that its job has run for too long', async () => {
      const { client, sdk } = await stage(checkout, { query });
      const job = await client.submit('puppet', { maxRuntimeSec: 1 });
      expect(await job.done()).toMatchObject({ ended: 'error', error: { code: 'TIMEOUT', retryable: true } });
      expect(unread(sdk)).toEqual([]);
    });

    test('asks for no feature, and is served without any', async () => {
      const { enter, sdk } = await stage(checkout, { query });
      const client = await enter({ features: [] });
      expect(client.features).toEqual([]);
      expect(client.welcome.heartbeat_interval_sec).toBeUndefined();
      const job = await client.submit('streamer');
      // Bytes that cannot be streamed are base64.
      expect((await job.done()).result).toMatchObject({ result: Buffer.from('abcdef').toString('base64') });
      await expect(client.list()).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
      expect(unread(sdk)).toEqual([]);
    });

    test('is given credentials, and each rotation of them', async () => {
      const { provisioner, values, live } = upstream();
      const { client, agent, sdk } = await stage(checkout, { query, provisioner });
      expect(client.features).toContain('provisioned_credentials');
      const job = await client.submit('puppet');
      const [{ id, value } = { id: '', value: '' }] = job.accepted.credentials ?? [];
      expect(value).toBe(values[0]);
      await agent.job.rotateCredential(id);
      // Its own decoder of a status keeps the phase alone: the new value is in the event as its handler is given it.
      expect(await client.events(job.id, 1)).toEqual([{ kind: 'status', body: { phase: 'credential_rotated' } }]);
      expect(client.frames.at(-1)?.payload.body).toEqual({ phase: 'credential_rotated', id, value: values[1] });
      agent.finish();
      expect((await job.done()).result).toMatchObject({ final_status: 'success' });
      expect(live.size).toBe(0);
      expect(unread(sdk)).toEqual([]);
    });

    test('is accepted, whatever credentials its job is given, and has those that it can read', async () => {
      const { provisioner } = upstream();
      const others = (mintId: () => string) =>
        [
          { scheme: 'basic', constraints: {} },
          { scheme: 'bearer', constraints: { max_spend: 5, allowed_models: 'all', expires_at: null, 'x-own': 1 } },
          { scheme: 'bearer', constraints: { max_spend: { currency: 'USD', amount: 5 }, allowed_models: ['m'] } },
        ].map((some, n) => ({ id: mintId(), value: `key ${n}`, endpoint: 'https://gateway.example', ...some }));
      const issue: Provisioner['issue'] = async ({ mintId }) => others(mintId);
      const { client, sdk } = await stage(checkout, { query, provisioner: { ...provisioner, issue } });
      const job = await client.submit('puppet');
      expect(job.accepted.credentials).toMatchObject([
        // Of limits it reads those alone that it has a name for.
        { value: 'key 1', constraints: {} },
        { value: 'key 2', constraints: { max_spend: { currency: 'USD', amount: 5 }, allowed_models: ['m'] } },
      ]);
      expect(unread(sdk)).toEqual([]);
    });

    test('reads frames of any size and any character', async () => {
      const { client } = await stage(checkout, { query });
      const input = '€𝄞\u2028"\\'.repeat(20_000);
      const job = await client.submit('echo', { input });
      expect((await job.done()).result?.result === input).toBe(true);
    });

    test('speaks to a process over its stdin and stdout, and reads every character', async () => {
      const { enter, sdk } = await stage(checkout, { query });
      const program = [process.execPath, arcpx, 'serve', '--stdio', '--token', 'tok-alice=alice'];
      const client = await enter({ program });
      const input = 'a\u2028b\u2029€𝄞\n';
      const job = await client.submit('echo', { input });
      expect((await job.done()).result).toMatchObject({ result: input });
      const streamed = await client.submit('stream', { input: { count: 3, delay_ms: 0 } });
      expect(await streamed.collected()).toBe('line 1 of 3\nline 2 of 3\nline 3 of 3\n');
      expect(await client.seen()).toMatchObject({ seq: client.seqs.length, broken: false });
      await client.call('close');
      expect(unread(sdk)).toEqual([]);
    });
  },
);
