// §2 of the protocol, features: what both sides offer is what a session has.
import { describe, expect, test } from 'vitest';
import { bearer } from '../../src/auth.ts';
import { createRuntime, featureNames } from '../../src/index.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

describe('§2 features', () => {
  const sets: [client: string[], runtime: (typeof featureNames)[number][] | undefined, agreed: string[]][] = [
    [[...featureNames], undefined, featureNames.filter((feature) => feature !== 'provisioned_credentials')],
    [['ack'], undefined, ['ack']],
    [[...featureNames], ['progress', 'ack'], ['ack', 'progress']],
    [['heartbeat', 'ack'], ['progress', 'ack'], ['ack']],
    [['ack', 'ack', 'x-vendor', '__proto__', ''], undefined, ['ack']],
    [['heartbeat'], ['ack'], []],
    [[...featureNames], [], []],
    [[], undefined, []],
  ];
  for (const [client, runtime, agreed] of sets) {
    const sides = `client ${JSON.stringify(client)}, runtime ${runtime ? JSON.stringify(runtime) : 'all'}`;
    // proves P2.03, P2.05
    test(`§2 the effective set is the client's ∩ the runtime's: ${sides}`, async () => {
      const at = world(runtime === undefined ? {} : { features: runtime });
      const peer = at.open();
      const welcome = await peer.hello(tokens.alice, { features: client });
      expect(welcome.payload.capabilities.features).toEqual(agreed);
      expect(await peer.ask('job.submit', { agent: 'puppet' })).toMatchObject({ type: 'job.accepted' });
    });
  }

  for (const [side, features, offered] of [
    ['the client', [], undefined],
    ['the runtime', [...featureNames], []],
  ] as const) {
    // proves P2.04
    test(`§2 a feature that ${side} opted out of is INVALID_REQUEST to use, and the session lives`, async () => {
      const at = world(offered === undefined ? {} : { features: offered });
      const peer = at.open();
      await peer.hello(tokens.alice, { features: [...features] });
      const uses = [await peer.ask('session.ack', { last_processed_seq: 0 })];
      uses.push(await peer.ask('job.submit', { agent: 'puppet@1.0.0' }));
      for (const refused of uses)
        expect(refused).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
      expect(at.runtime.sessions()).toMatchObject([{ state: 'live', jobs: [] }]);
      at.clock.advance(3_600_000);
      await peer.settle();
      expect(peer.frames.some((frame) => frame.type === 'session.ping')).toBe(false);
    });
  }

  test('§2 two sessions of one runtime agree each on their own', async () => {
    const at = world();
    const [one, two] = [at.open(), at.open()];
    await one.hello(tokens.alice, { features: ['ack'] });
    await two.hello(tokens.alice, { features: [] });
    one.send('session.ack', { last_processed_seq: 0 });
    await one.settle();
    expect(await two.ask('session.ack', { last_processed_seq: 0 })).toMatchObject({
      payload: { code: 'INVALID_REQUEST' },
    });
    expect(one.frames.some((frame) => frame.type === 'session.error')).toBe(false);
  });

  test('§2 a feature that no runtime has is refused where the options are read', () => {
    const features = JSON.parse('["ack", "telepathy"]');
    expect(() => createRuntime({ agents: [], authenticate: bearer({}), features })).toThrow(/"telepathy"/);
  });
});
