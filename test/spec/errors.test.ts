// §9 of the protocol, errors: the codes, when each is seen, and which frame carries it.
import { describe, expect, test } from 'vitest';
import { type AgentDefinition, ArcpError, defineAgent } from '../../src/index.ts';
import { isErrorCode, retryableByCode } from '../../src/wire/errors.ts';
import type { Frame } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { cut, enter, turn } from '../support/session.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

const retryable = ['INTERNAL_ERROR', 'TIMEOUT', 'HEARTBEAT_LOST'];
const final = [
  'PERMISSION_DENIED',
  'LEASE_SUBSET_VIOLATION',
  'JOB_NOT_FOUND',
  'DUPLICATE_KEY',
  'AGENT_NOT_AVAILABLE',
  'AGENT_VERSION_NOT_AVAILABLE',
  'CANCELLED',
  'RESUME_WINDOW_EXPIRED',
  'LEASE_EXPIRED',
  'BUDGET_EXHAUSTED',
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
];

describe('§9 the codes', () => {
  // proves P9.01
  test('§9 are these fifteen and no other', () => {
    expect(Object.keys(retryableByCode).sort()).toEqual([...retryable, ...final].sort());
    for (const text of ['FATAL', 'constructor', '__proto__', '', 5, null, undefined])
      expect(isErrorCode(text)).toBe(false);
  });

  for (const code of [...retryable, ...final]) {
    const answer = retryable.includes(code);
    // proves P9.02
    test(`§9 ${code} always says retryable: ${answer}`, () => {
      if (!isErrorCode(code)) return expect.unreachable();
      expect(new ArcpError(code, 'why').toPayload()).toEqual({ code, message: 'why', retryable: answer });
      const details = { limit: 5 };
      expect(new ArcpError(code, 'why', details).toPayload()).toEqual({
        code,
        message: 'why',
        retryable: answer,
        details,
      });
    });
  }
});

type World = ReturnType<typeof world>;

/** How a client comes to see each code in a `session.error`. */
const refusals: Record<string, (at: World) => Promise<Frame>> = {
  UNAUTHENTICATED: (at) => at.open().hello('tok-nobody'),
  INVALID_REQUEST: async (at) => (await enter(at)).peer.ask('job.cancel'),
  AGENT_NOT_AVAILABLE: async (at) => (await enter(at)).submit('nobody'),
  AGENT_VERSION_NOT_AVAILABLE: async (at) => (await enter(at)).submit('puppet@9.9.9'),
  JOB_NOT_FOUND: async (at) => (await enter(at)).peer.ask('job.cancel', { job_id: 'job_unknown' }),
  RESUME_WINDOW_EXPIRED: (at) => at.open().resume(tokens.alice, { resume_token: 'rt_unknown' }),
  DUPLICATE_KEY: async (at) => {
    const { submit } = await enter(at);
    await submit('puppet', { input: 1, idempotency_key: 'k' });
    return submit('puppet', { input: 2, idempotency_key: 'k' });
  },
  PERMISSION_DENIED: async (at) => {
    const { submit } = await enter(at);
    const accepted = await submit('puppet');
    return (await enter(at)).peer.ask('job.cancel', { job_id: accepted.job_id });
  },
  HEARTBEAT_LOST: async (at) => {
    const { peer } = await enter(at, { features: ['heartbeat'] });
    at.clock.advance(60_000);
    return peer.next('session.error');
  },
};

/** How a job comes to end with each code in its `job.error`. */
const endings: Record<string, { status: string; run(at: World, jobId: string): void; submit?: object }> = {
  INTERNAL_ERROR: { status: 'error', run: (at) => at.agent.fail(new Error('boom')) },
  TIMEOUT: { status: 'timed_out', submit: { max_runtime_sec: 5 }, run: (at) => at.clock.advance(5000) },
};

describe('§9 a refused request', () => {
  for (const [code, refuse] of Object.entries(refusals)) {
    // proves P9.03
    test(`§9 ${code} comes as session.error {code, message, retryable, details?, request_id}`, async () => {
      const refused = await refuse(world());
      expect(refused).toMatchObject({ type: 'session.error', payload: { code, retryable: retryable.includes(code) } });
      expect(refused.payload.message).toMatch(/\w+ \w+/);
      expect(refused).not.toHaveProperty('event_seq');
      const { request_id, reply_to, details = {}, ...rest } = refused.payload;
      expect(Object.keys(rest).sort()).toEqual(['code', 'message', 'retryable']);
      expect(details).toEqual(expect.any(Object));
      // Nobody asked for a lost heartbeat.
      expect([request_id, reply_to]).toEqual(
        code === 'HEARTBEAT_LOST' ? [undefined, undefined] : [refused.id, refused.id],
      );
    });
  }

  // proves P9.03
  test('§9 is never a job.error, and leaves no job behind', async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    const bad: [agent: string, payload?: object, envelope?: object][] = [
      ['nobody'],
      ['puppet@9.9.9'],
      ['@'],
      ['a@b@c'],
      [''],
      ['puppet', { max_runtime_sec: 0 }],
      ['puppet', { max_runtime_sec: 'x' }],
      ['puppet', { lease_request: { 'fs.delete': ['/etc/**'] } }],
      ['puppet', { lease_request: { 'fs.read': ['/etc/../**'] } }],
      ['puppet', { lease_constraints: { expires_at: '2025-01-01T01:00:00Z' } }],
      ['puppet', { idempotency_key: '' }],
      ['puppet', {}, { trace_id: 'x' }],
      ['puppet', {}, { session_id: 'sess_other' }],
    ];
    for (const [agent, payload, envelope] of bad) {
      expect(await submit(agent, payload, envelope)).toMatchObject({
        type: 'session.error',
        payload: { retryable: false },
      });
    }
    expect(peer.frames.some((frame) => frame.type === 'job.error')).toBe(false);
    expect(at.agent.jobs).toEqual([]);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live', jobs: [], newestSeq: 0 }]);
  });

  test('§9 says what is wrong without quoting what may be a secret', async () => {
    const secret = 'S3cr3t-value';
    const { peer } = await enter(world());
    const payload = {
      agent: [secret],
      token: [secret],
      reason: [secret],
      job_id: { secret },
      last_processed_seq: secret,
    };
    for (const type of ['job.submit', 'job.cancel', 'session.ack', 'session.bye', 'session.close']) {
      await peer.ask(type, payload, { trace_id: { secret } });
    }
    expect(peer.texts.join()).not.toContain(secret);
  });

  test('§9 that fails inside the runtime is INTERNAL_ERROR without a text of the fault, and the session lives', async () => {
    const at = world();
    const { peer } = await enter(at);
    // Nothing a client sends gets here; a part of the embedder's that fails does.
    at.clock.now = () => {
      throw new Error('clock of /dev/secret');
    };
    expect(await peer.ask('session.ping')).toMatchObject({
      type: 'session.error',
      payload: { code: 'INTERNAL_ERROR', retryable: true },
    });
    expect(peer.texts.join()).not.toContain('/dev/secret');
    expect(at.log.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'clock of /dev/secret' } } }]);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });
});

describe('§9 job.error', () => {
  for (const [code, { status, run, submit: parameters }] of Object.entries(endings)) {
    test(`§9 ends an accepted job with ${code}, and carries {code, message, retryable, final_status}`, async () => {
      const at = world();
      const { peer, submit } = await enter(at);
      const accepted = await submit('puppet', parameters);
      run(at, String(accepted.job_id));
      const ended = await peer.next('job.error');
      expect(ended).toMatchObject({
        job_id: accepted.job_id,
        event_seq: 1,
        payload: { code, final_status: status, job_id: accepted.job_id, retryable: retryable.includes(code) },
      });
      expect(ended.payload).not.toHaveProperty('request_id');
    });
  }

  test('§9 ends a cancelled job with CANCELLED, not retryable, once its agent has settled', async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    const { job_id } = await submit('puppet');
    await peer.ask('job.cancel', { job_id });
    at.agent.fail(new Error('told to stop'));
    expect(await peer.next('job.error')).toMatchObject({
      payload: { code: 'CANCELLED', final_status: 'cancelled', retryable: false },
    });
  });

  const throwers: Record<string, () => unknown> = {
    'an Error': () => {
      throw new Error('S3cr3t path /etc/passwd');
    },
    'an error with a code of its own': () => {
      throw Object.assign(new Error('S3cr3t'), { code: 'ENOENT', retryable: false });
    },
    'an ArcpError of another code': () => {
      throw new ArcpError('LEASE_EXPIRED', 'S3cr3t');
    },
    'a text': () => {
      throw 'S3cr3t';
    },
    nothing: () => {
      throw undefined;
    },
    'an error whose message throws': () => {
      throw Object.defineProperty(new Error(), 'message', {
        get() {
          throw new Error('S3cr3t');
        },
      });
    },
    'by returning what has no JSON': () => ({ S3cr3t: 10n }),
    'by returning a circle': () => {
      const circle: { S3cr3t?: object } = {};
      circle.S3cr3t = circle;
      return circle;
    },
    'by rejecting': () => Promise.reject(new Error('S3cr3t')),
  };
  for (const [what, run] of Object.entries(throwers)) {
    test(`§9 of an agent that throws ${what} is INTERNAL_ERROR, retryable, with no text of it on the wire`, async () => {
      const agent: AgentDefinition = defineAgent({ name: 'thrower', run });
      const at = world({ agents: [agent] });
      const { peer, submit } = await enter(at);
      await submit('thrower');
      expect(await peer.next('job.error')).toMatchObject({
        payload: { code: 'INTERNAL_ERROR', final_status: 'error', retryable: true },
      });
      expect(peer.texts.join()).not.toContain('S3cr3t');
      expect(at.log.lines).toMatchObject([{ level: 'error' }]);
      await peer.settle();
    });
  }
});

// proves P9.01, P9.02
test('§9 retryable is in every error of a stormy hour, its code always one of the table', async () => {
  const at = world();
  const errors: Frame[] = [];
  for (const refuse of Object.values(refusals)) errors.push(await refuse(at));
  for (const { run, submit: parameters } of Object.values(endings)) {
    const { peer, submit } = await enter(at);
    const accepted = await submit('puppet', parameters);
    run(at, String(accepted.job_id));
    errors.push(await peer.next('job.error'));
    await cut(peer);
  }
  await turn();
  for (const { payload } of errors) {
    expect(isErrorCode(payload.code)).toBe(true);
    expect(payload.retryable).toBe(retryable.includes(payload.code));
  }
  expect(errors).toHaveLength(11);
});
