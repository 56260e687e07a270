// §3 of the protocol, the resume as it is asked for: every spelling, and the order of refusals.
import { describe, expect, test } from 'vitest';
import { auth, detachedSession, range, refusal, world } from '../support/detached.ts';
import type { Peer } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';

describe('§3 all spellings of a resume are one request', () => {
  type Ask = { resumeToken: string; sessionId: string };
  const spellings: Record<string, (peer: Peer, ask: Ask) => Promise<unknown>> = {
    'session.hello with payload.resume {session_id, resume_token, last_event_seq}': (
      peer,
      { resumeToken, sessionId },
    ) =>
      peer.ask('session.hello', {
        auth,
        resume: { session_id: sessionId, resume_token: resumeToken, last_event_seq: 3 },
      }),
    'session.hello with payload.resume {token, last_event_seq}': (peer, { resumeToken }) =>
      peer.ask('session.hello', { auth, resume: { token: resumeToken, last_event_seq: 3 } }),
    'session.hello with flat resume_token and last_event_seq': (peer, { resumeToken }) =>
      peer.ask('session.hello', { auth, resume_token: resumeToken, last_event_seq: 3 }),
    'session.hello with both the block and the flat fields': (peer, { resumeToken, sessionId }) =>
      peer.ask('session.hello', {
        auth,
        resume: { session_id: sessionId, resume_token: resumeToken, last_event_seq: 3 },
        resume_token: resumeToken,
        last_event_seq: 3,
      }),
    'session.resume as the first frame': (peer, { resumeToken }) =>
      peer.ask('session.resume', { auth, resume_token: resumeToken, last_event_seq: 3 }),
    'session.resume with a session_id': (peer, { resumeToken, sessionId }) =>
      peer.ask('session.resume', { auth, resume_token: resumeToken, last_event_seq: 3, session_id: sessionId }),
  };
  for (const [spelling, resume] of Object.entries(spellings)) {
    // proves P3.17
    test(`§3 ${spelling}`, async () => {
      const at = world();
      const { resumeToken, sessionId } = await detachedSession(at);
      const peer = at.open();
      expect(await resume(peer, { resumeToken, sessionId })).toMatchObject({
        type: 'session.welcome',
        session_id: sessionId,
      });
      await peer.settle();
      expect(peer.seqs()).toEqual(range(4, 10));
    });
  }

  // proves P3.18
  test('§3 conflicting tokens in one frame are INVALID_REQUEST, and the session stays as it was', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    expect(
      await peer.ask('session.hello', { auth, resume: { resume_token: resumeToken }, resume_token: 'rt_other' }),
    ).toMatchObject(refusal('INVALID_REQUEST'));
    expect(await peer.resume(tokens.alice, { resume_token: resumeToken })).toMatchObject({ type: 'session.welcome' });
  });

  for (const absent of [undefined, null]) {
    // proves P3.19
    test(`§3 a last_event_seq that is ${absent} is 0: everything kept is replayed`, async () => {
      const at = world();
      const { resumeToken } = await detachedSession(at);
      const peer = at.open();
      await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: absent });
      await peer.settle();
      expect(peer.seqs()).toEqual(range(1, 10));
    });
  }

  for (const cursor of [-1, 1.5, '3', {}, true, 2 ** 60]) {
    // proves P3.19
    test(`§3 a last_event_seq of ${JSON.stringify(cursor)} is INVALID_REQUEST`, async () => {
      const at = world();
      const { resumeToken } = await detachedSession(at);
      const peer = at.open();
      const asked = peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: cursor });
      expect(await asked).toMatchObject(refusal('INVALID_REQUEST'));
    });
  }

  // proves P3.20
  test('§3 credentials are always checked: a resume without any is UNAUTHENTICATED and closed 1008', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    expect(await peer.ask('session.resume', { resume_token: resumeToken })).toMatchObject(refusal('UNAUTHENTICATED'));
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
  });
});

describe('§3 a resume is refused, in this order', () => {
  // proves P3.23, P3.27
  test('§3 first an unknown token: RESUME_WINDOW_EXPIRED, whoever asks', async () => {
    const at = world();
    await detachedSession(at);
    for (const token of [tokens.alice, tokens.bob]) {
      const asked = at
        .open()
        .resume(token, { resume_token: 'rt_made-up', session_id: 'sess_other', last_event_seq: 99 });
      expect(await asked).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
    }
  });

  // proves P3.24, P3.27
  test('§3 then another principal: PERMISSION_DENIED before anything of the session is told, and an audit line', async () => {
    const entries: object[] = [];
    const at = world({ audit: (entry) => entries.push(entry) });
    const { resumeToken, sessionId } = await detachedSession(at);
    const thief = at.open();
    const asked = thief.resume(tokens.bob, { resume_token: resumeToken, session_id: 'sess_other', last_event_seq: 99 });
    const refused = await asked;
    expect(refused).toMatchObject(refusal('PERMISSION_DENIED'));
    expect(refused.payload.details).toBeUndefined();
    expect(entries).toContainEqual(
      expect.objectContaining({
        action: 'resume',
        outcome: 'refused',
        principal: 'bob',
        sessionId,
        code: 'PERMISSION_DENIED',
      }),
    );
    expect(JSON.stringify(entries)).not.toContain(resumeToken);
  });

  // proves P3.25, P3.27
  test('§3 then a session_id that is another: INVALID_REQUEST', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const asked = at
      .open()
      .resume(tokens.alice, { resume_token: resumeToken, session_id: 'sess_other', last_event_seq: 99 });
    expect(await asked).toMatchObject(refusal('INVALID_REQUEST'));
  });

  // proves P3.26, P3.27, P3.28
  test('§3 then a cursor before what is kept: RESUME_WINDOW_EXPIRED, trimmed, with what there is', async () => {
    const at = world({ bufferEvents: 5 });
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    expect(await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 4 })).toMatchObject({
      payload: { code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'trimmed', oldest_seq: 6, newest_seq: 10 } },
    });
    const edge = peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 5 });
    expect(await edge).toMatchObject({ type: 'session.welcome' });
    await peer.settle();
    expect(peer.seqs()).toEqual(range(6, 10));
  });

  // proves P3.26, P3.28
  test('§3 or a cursor beyond the newest: RESUME_WINDOW_EXPIRED, ahead', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    expect(await at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 11 })).toMatchObject({
      payload: { code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'ahead', oldest_seq: 1, newest_seq: 10 } },
    });
  });

  // proves P3.11, P3.30
  test('§3 a refusal consumes nothing: the socket tries again, the third refusal closes it 1008, the session lives', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    for (const cursor of [11, 12, 13]) {
      const asked = peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: cursor });
      expect(await asked).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'ahead'));
    }
    expect(await peer.closed).toMatchObject({ code: 1008 });
    const again = at.open();
    const asked = again.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await asked).toMatchObject({ type: 'session.welcome' });
  });

  test('§3 a refused resume may be followed by a fresh hello on the same socket', async () => {
    const at = world();
    const peer = at.open();
    const asked = peer.resume(tokens.alice, { resume_token: 'rt_made-up' });
    expect(await asked).toMatchObject(refusal('RESUME_WINDOW_EXPIRED'));
    expect(await peer.hello(tokens.alice)).toMatchObject({ type: 'session.welcome' });
  });

  test('§3 nothing of a refused resume clings to the socket: the fresh session is delivered from its first event', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    const refused = await peer.resume(tokens.bob, { resume_token: resumeToken, last_event_seq: 5 });
    expect(refused).toMatchObject(refusal('PERMISSION_DENIED'));
    await peer.hello(tokens.bob);
    await peer.ask('job.submit', { agent: 'puppet' });
    at.agent.emit(7);
    await peer.settle();
    expect(peer.seqs()).toEqual(range(1, 7));
  });

  test('§3 the handshake timeout runs on through refusals', async () => {
    const at = world({ handshakeTimeoutSec: 10 });
    const peer = at.open();
    at.clock.advance(9_000);
    await peer.resume(tokens.alice, { resume_token: 'rt_made-up' });
    at.clock.advance(1_000);
    expect(await peer.closed).toMatchObject({ code: 4004 });
  });

  // proves P3.23
  test('§3 the window is over just after, not just before, its last millisecond', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    at.clock.advance(59_999);
    const before = await at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(before).toMatchObject({ type: 'session.welcome' });
    const other = await detachedSession(at);
    at.clock.advance(60_000);
    const after = await at.open().resume(tokens.alice, { resume_token: other.resumeToken, last_event_seq: 10 });
    expect(after).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'expired'));
  });

  test('§3 to another principal an expired session is just an unknown one', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    at.clock.advance(60_000);
    const asked = at.open().resume(tokens.bob, { resume_token: resumeToken });
    expect(await asked).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
  });
});
