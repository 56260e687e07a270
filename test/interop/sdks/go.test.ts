// §10: the client of the Go SDK itself, unmodified, in a process of its own. docs/interop.md says what it is built from.
import { beforeAll, describe, expect, test } from 'vitest';
import { tokens } from '../../support/runtime.ts';
import { stage } from '../dialects/stage.ts';
import { checkoutFrom } from './checkout.ts';
import { Driver } from './driver.ts';
import { build } from './go/build.ts';

const checkout = checkoutFrom('ARCP_GO_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

describe.skipIf(checkout === '')('§10 the client of the Go SDK itself', () => {
  let program = '';
  beforeAll(async () => {
    program = await build(checkout);
  }, 600_000);

  /** A runtime on a real socket, and a client of the SDK that has been welcomed. */
  async function entered(options: Parameters<typeof stage>[1] = {}) {
    const at = await stage('go', options);
    const go = new Driver(program);
    const enter = (as: string, more: object = {}) =>
      go.call('connect', { as, args: { URL: at.url, Options: { Token: tokens.alice, ...more } } });
    const submit = (as: string, args: object, on = 'client') => go.call('submit', { on, as, args });
    const welcome = await enter('client');
    return { ...at, go, enter, submit, welcome };
  }

  test('connects, submits, and reads every event and the result', async () => {
    const at = await entered();
    expect(at.welcome).toMatchObject({
      session_id: expect.stringMatching(/^sess_/),
      welcome: { resume_window_sec: 600 },
    });
    const accepted = await at.submit('job', { Agent: 'talker', Input: {}, TraceID: trace });
    expect(accepted).toMatchObject({ agent: 'talker@2.1.0', trace_id: trace });
    const end = await at.go.ended('job');
    expect(end.result).toEqual({ final_status: 'success', output: { said: 8 } });
    expect(at.go.events('job').map(({ kind, body }) => [kind, body])).toEqual([
      ['log', { level: 'info', message: 'hello' }],
      ['thought', { text: 'let me see' }],
      ['status', { phase: 'working' }],
      ['status', { phase: 'still working' }],
      ['progress', { current: 1, total: 3, units: 'files' }],
      ['metric', { name: 'cost.usd', value: 0.1, unit: 'USD' }],
      ['artifact_ref', { uri: 'file:///x', content_type: 'text/plain' }],
      ['x-vendor.test.note', { anything: null }],
    ]);
    expect(await at.go.call('highest_seq', { on: 'client' })).toBe(9);
  });

  test('has many submits under way, and takes each answer for its own', async () => {
    const at = await entered();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(names.map((name) => at.submit(name, { Agent: 'echo', Input: name })));
    const ends = await Promise.all(names.map((name) => at.go.ended(name)));
    expect(ends.map(({ result }) => result?.output)).toEqual(names);
  });
});
