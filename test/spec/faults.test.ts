// §3 and §9 of the protocol, faults inside the runtime and in what an embedder gave it: told, contained, never left hanging.
import { describe, expect, test } from 'vitest';
import { memoryStore, type RuntimeOptions, type Store } from '../../src/index.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { enter, turn } from '../support/session.ts';

function world(options: Omit<Partial<RuntimeOptions>, 'agents'> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

/** A store whose disk is full from the moment a test says so. */
function failingStore() {
  const disk = { full: false };
  const memory = memoryStore();
  const openLog: Store['openLog'] = (sessionId, limits) => {
    const log = memory.openLog(sessionId, limits);
    const append = log.append.bind(log);
    log.append = (...frame) => {
      if (disk.full) throw new Error('no space left on /dev/secret');
      return append(...frame);
    };
    return log;
  };
  return { disk, store: { ...memory, openLog } };
}

describe("§9 an embedder's audit that throws", () => {
  const audit = () => {
    throw new Error('audit trail is down');
  };

  for (const [how, authenticate] of [
    ['at once', () => ({ principal: 'alice' })],
    ['after a while', async () => ({ principal: 'alice' })],
  ] as const) {
    test(`§9 an audit that throws is logged, and its client, authenticated ${how}, is answered all the same`, async () => {
      const at = world({ audit, authenticate });
      const peer = at.open();
      peer.send('session.hello', { auth: { scheme: 'bearer', token: 't' } });
      await turn();
      expect(peer.frames).toMatchObject([{ type: 'session.welcome' }]);
      expect(at.log.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'audit trail is down' } } }]);
    });
  }

  test('§9 an audit that throws over a refused cancel does not cost the session, or its jobs', async () => {
    let down = false;
    const at = world({ audit: () => (down ? audit() : undefined) });
    const [owner, other] = [await enter(at), await enter(at)];
    const { job_id } = await owner.submit('puppet');
    down = true;
    other.peer.send('job.cancel', { job_id });
    await turn();
    expect(other.peer.frames.at(-1)).toMatchObject({ payload: { code: 'PERMISSION_DENIED' } });
    down = false;
    at.agent.finish('done');
    expect(await owner.peer.next('job.result')).toMatchObject({ payload: { result: 'done' } });
  });
});

describe('§3 a session that fails inside the runtime', () => {
  // proves P3.45
  test('§3 a session that fails inside the runtime closes its socket 1011, and the other sessions never notice', async () => {
    const { disk, store } = failingStore();
    const at = world({ store });
    const [one, other] = [await enter(at), await enter(at, { token: tokens.bob })];
    await one.submit('puppet');
    disk.full = true;
    at.agent.finish('done');
    await turn();
    disk.full = false;
    await other.peer.settle();
    expect(await Promise.race([one.peer.closed, turn()])).toMatchObject({ code: 1011 });
    expect(one.peer.texts.join()).not.toContain('/dev/secret');
    expect(at.log.lines.map((line) => line.level)).toContain('error');
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'bob', state: 'live' }]);
    await at.runtime.close();
  });
});
