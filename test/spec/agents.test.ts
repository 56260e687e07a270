// §6 of the protocol: which agent a submit gets, by name and version.
import { describe, expect, test } from 'vitest';
import { type AgentDefinition, createRuntime, defineAgent } from '../../src/index.ts';
import { simulatedRuntime } from '../support/runtime.ts';
import { enter } from '../support/session.ts';

const versioned = (name: string, version?: string, mark: { default?: boolean } = {}): AgentDefinition =>
  defineAgent({ name, ...(version === undefined ? {} : { version }), ...mark, run: () => `${name} ${version}` });

const agents = [
  versioned('plan', '1.9.0'),
  versioned('plan', '1.10.0'),
  versioned('plan', '1.2.0'),
  versioned('stable', '1.0.0', { default: true }),
  versioned('stable', '2.0.0-beta'),
  versioned('unversioned'),
  versioned('team/billing.invoice-2_b', '2024-01-31'),
  versioned('constructor'),
];

describe('§6 the agent of a submit', () => {
  for (const [asked, got] of [
    ['plan', 'plan@1.10.0'],
    ['plan@1.9.0', 'plan@1.9.0'],
    ['plan@1.10.0', 'plan@1.10.0'],
    ['stable', 'stable@1.0.0'],
    ['stable@2.0.0-beta', 'stable@2.0.0-beta'],
    ['unversioned', 'unversioned@1.0.0'],
    ['unversioned@1.0.0', 'unversioned@1.0.0'],
    ['team/billing.invoice-2_b@2024-01-31', 'team/billing.invoice-2_b@2024-01-31'],
    ['constructor', 'constructor@1.0.0'],
  ] satisfies [string, string][]) {
    test(`§6 ${asked} is ${got}`, async () => {
      const { peer, submit } = await enter(simulatedRuntime({ agents }));
      expect(await submit(asked)).toMatchObject({ type: 'job.accepted', payload: { agent: got } });
      const [name, version] = got.split('@');
      const ran = name === 'unversioned' || name === 'constructor' ? `${name} undefined` : `${name} ${version}`;
      expect(await peer.next('job.result')).toMatchObject({ payload: { result: ran } });
    });
  }

  for (const asked of ['nobody', 'nobody@1.0.0', 'Plan', 'toString', 'plan.']) {
    // proves P6.02
    test(`§6 ${asked}, which is not here, is AGENT_NOT_AVAILABLE`, async () => {
      const { submit } = await enter(simulatedRuntime({ agents }));
      expect(await submit(asked)).toMatchObject({
        type: 'session.error',
        payload: { code: 'AGENT_NOT_AVAILABLE', retryable: false },
      });
    });
  }

  for (const asked of ['plan@3.0.0', 'plan@1.9', 'plan@v1.9.0', 'plan@latest', 'stable@2.0.0']) {
    // proves P6.02
    test(`§6 ${asked}, a version that is not here, is AGENT_VERSION_NOT_AVAILABLE`, async () => {
      const { submit } = await enter(simulatedRuntime({ agents }));
      expect(await submit(asked)).toMatchObject({
        type: 'session.error',
        payload: { code: 'AGENT_VERSION_NOT_AVAILABLE', retryable: false },
      });
    });
  }

  const malformed = [
    '',
    ' ',
    '@',
    '@1.0.0',
    'plan@',
    'plan@1@2',
    'plan @1.9.0',
    ' plan',
    'plan\n',
    '../plan',
    '__proto__',
    'plän',
    'a'.repeat(129),
    'a'.repeat(300),
  ];
  for (const asked of malformed) {
    // proves P6.19
    test(`§6 the malformed name ${JSON.stringify(asked.slice(0, 20))} is INVALID_REQUEST`, async () => {
      const { submit, peer } = await enter(simulatedRuntime({ agents }));
      expect(await submit(asked)).toMatchObject({
        type: 'session.error',
        payload: { code: 'INVALID_REQUEST', retryable: false },
      });
      await peer.settle();
    });
  }

  test('§6 name@version where agent_versions was not negotiated is INVALID_REQUEST; the plain name gets the default', async () => {
    const { submit } = await enter(simulatedRuntime({ agents }), { features: ['progress'] });
    expect(await submit('plan@1.9.0')).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
    expect(await submit('plan')).toMatchObject({ payload: { agent: 'plan@1.10.0' } });
  });

  test('§6 the welcome names every agent, its versions in order, and its default', async () => {
    const { welcome } = await enter(simulatedRuntime({ agents }));
    expect(welcome.payload.capabilities.agents).toEqual([
      { name: 'plan', versions: ['1.2.0', '1.9.0', '1.10.0'], default: '1.10.0' },
      { name: 'stable', versions: ['1.0.0', '2.0.0-beta'], default: '1.0.0' },
      { name: 'unversioned', versions: ['1.0.0'], default: '1.0.0' },
      { name: 'team/billing.invoice-2_b', versions: ['2024-01-31'], default: '2024-01-31' },
      { name: 'constructor', versions: ['1.0.0'], default: '1.0.0' },
    ]);
  });

  test('§6 what the agent of a runtime without any is asked for is not available', async () => {
    const { submit, welcome } = await enter(simulatedRuntime({ agents: [] }));
    expect(welcome.payload.capabilities.agents).toEqual([]);
    expect(await submit('plan')).toMatchObject({ payload: { code: 'AGENT_NOT_AVAILABLE' } });
  });
});

describe('defining agents', () => {
  test('a malformed name or version, or no run, is told where it is written', () => {
    const run = () => {};
    for (const name of ['', ' plan', 'a@b', 'a b', '-a']) expect(() => defineAgent({ name, run })).toThrow(TypeError);
    for (const version of ['', '1 0', '1@0', '-1'])
      expect(() => defineAgent({ name: 'a', version, run })).toThrow(TypeError);
    expect(() => defineAgent(Object.assign({ name: 'a', run }, { run: undefined }))).toThrow(/run/);
  });

  test('the same name and version twice, or two defaults of a name, is refused when the runtime is made', () => {
    const made = (...given: AgentDefinition[]) => createRuntime({ agents: given, authenticate: () => null });
    expect(() => made(versioned('a', '1'), versioned('a', '1'))).toThrow(/twice/);
    expect(() => made(versioned('a'), versioned('a', '1.0.0'))).toThrow(/twice/);
    expect(() => made(versioned('a', '1', { default: true }), versioned('a', '2', { default: true }))).toThrow(
      /default/,
    );
    expect(() => made(Object.assign(versioned('a'), { name: 'a@b' }))).toThrow(TypeError);
  });

  test('run keeps its own object: an agent may be a class of its own', async () => {
    class Counter {
      name = 'counter';
      count = 0;
      run() {
        this.count += 1;
        return this.count;
      }
    }
    const { peer, submit } = await enter(simulatedRuntime({ agents: [new Counter()] }));
    await submit('counter');
    await submit('counter');
    await peer.settle();
    expect(peer.sequenced().map((frame) => frame.payload.result)).toEqual([1, 2]);
  });
});
