// §10: the client of the TypeScript SDK itself, unmodified, in a process of its own. docs/interop.md says what it is made from.
import { describe, expect, test } from 'vitest';
import { tokens } from '../../support/runtime.ts';
import { stage } from '../dialects/stage.ts';
import { checkoutFrom } from './checkout.ts';
import { lead } from './typescript/program.ts';

const checkout = checkoutFrom('ARCP_TYPESCRIPT_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

/** What a `JobHandle` says of its job. */
interface Accepted {
  jobId: string;
  agent: string;
}

describe.skipIf(checkout === '')('§10 the client of the TypeScript SDK itself', () => {
  /** A runtime on a real socket, and a client of the SDK that has been welcomed. */
  async function entered(options: Parameters<typeof stage>[1] = {}) {
    const at = await stage('typescript', options);
    const sdk = lead(checkout);
    const enter = (as: string, more: object = {}) =>
      sdk.call('connect', { as, args: { url: at.url, token: tokens.alice, ...more } });
    const submit = async (as: string, args: object, on = 'client'): Promise<Accepted> =>
      Object(await sdk.call('submit', { on, as, args }));
    /** The events of a job that a client has handed to its own handler, as the SDK decodes them. */
    const events = ({ jobId }: { jobId: string }, of = 'client') =>
      sdk.events(`${of} ${jobId}`).map(({ kind, body }) => [kind, body]);
    const welcome = await enter('client');
    return { ...at, sdk, enter, submit, events, welcome };
  }

  test('connects, submits, and reads every event and the result', async () => {
    const at = await entered();
    expect(at.welcome).toMatchObject({
      session_id: expect.stringMatching(/^sess_/),
      welcome: { resume_window_sec: 600 },
    });
    const accepted = await at.submit('job', { agent: 'talker', input: {}, traceId: trace });
    expect(accepted).toMatchObject({ agent: 'talker@2.1.0', traceId: trace, lease: {} });
    const end = await at.sdk.ended('job');
    expect(end.result).toEqual({ final_status: 'success', result: { said: 8 } });
    expect(at.events(accepted)).toEqual([
      ['log', { level: 'info', message: 'hello' }],
      ['thought', { text: 'let me see' }],
      ['status', { phase: 'working' }],
      ['status', { phase: 'still working' }],
      ['progress', { current: 1.5, total: 2.5, units: 'files' }],
      ['metric', { name: 'cost.usd', value: 0.1, unit: 'USD' }],
      ['artifact_ref', { uri: 'file:///x', content_type: 'text/plain' }],
      ['x-vendor.test.note', { anything: null }],
    ]);
    expect(await at.sdk.call('seen', { on: 'client' })).toMatchObject({ seq: 9, broken: false });
    expect(at.sdk.unread()).toEqual([]);
  });

  test('has many submits under way, and takes each answer for its own', async () => {
    const at = await entered();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(names.map((name) => at.submit(name, { agent: 'echo', input: name })));
    const ends = await Promise.all(names.map((name) => at.sdk.ended(name)));
    expect(ends.map(({ result }) => result?.result)).toEqual(names);
    expect(at.sdk.unread()).toEqual([]);
  });
});
