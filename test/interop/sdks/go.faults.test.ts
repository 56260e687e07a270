// §10: the client of the Go SDK itself, unmodified, when the line is dead or the runtime is.
import { describe, expect, test } from 'vitest';
import { keptStore } from '../../support/kept.ts';
import { stage } from '../dialects/stage.ts';
import { checkoutFrom } from './checkout.ts';
import { built } from './go/build.ts';
import { range, scene, seqs } from './go/scene.ts';

const checkout = checkoutFrom('ARCP_GO_SDK');
const program = built(checkout);

describe.skipIf(checkout === '').each(['', '?dialect=go'])('§10 the client of the Go SDK itself %s', (query) => {
  const entered = (options: Parameters<typeof scene>[1] = {}) => scene(program(), { query, ...options });

  test('is told that nothing more was heard of it, and comes back', async () => {
    const at = await entered({ heartbeatSec: 0.2 });
    const cable = await at.cable();
    await at.enter('mute', { over: cable });
    await at.submit('job', { Agent: 'puppet' }, 'mute');
    at.agent.emit(2);
    cable.pinch('toServer');
    expect(await at.go.ended('job')).toMatchObject({ error: { code: 'HEARTBEAT_LOST', retryable: true } });
    await at.go.heard(({ of, lost }) => of === 'mute' && lost !== undefined);
    at.agent.emit(2);
    await at.enter('back', { Resume: await at.ticket('mute') });
    at.agent.finish();
    await at.go.heard(({ of, frame }) => of === 'back' && frame?.type === 'job.result');
    expect(seqs([...at.go.frames('mute'), ...at.go.frames('back')])).toEqual(range(1, 5));
    await cable.end();
  });

  test('is sent away by a runtime that is shut down, and comes back to the next one, where its job is over and its key is known', async () => {
    const store = keptStore();
    const at = await entered({ store, drainSec: 0.1 });
    const args = { Agent: 'puppet', IdempotencyKey: 'k' };
    const { job_id: jobId } = await at.submit('job', args);
    at.agent.emit(3);
    await at.go.heard(({ frame }) => frame?.event_seq === 3);
    await at.runtime.close();
    const { lost } = await at.go.heard(({ lost }) => lost !== undefined);
    expect(lost).toContain('shutdown');
    expect(await at.go.ended('job')).toMatchObject({ ended: 'error' });
    const next = await stage('go', { store: store.reopened() });
    const Resume = await at.ticket('client');
    const welcome = await at.enter('back', { to: next.url, Resume });
    expect(welcome.session_id).toBe(Resume.session_id);
    const end = await at.go.heard(({ of, frame }) => of === 'back' && frame?.type === 'job.error');
    expect(end.frame).toMatchObject({
      job_id: jobId,
      event_seq: 4,
      payload: { code: 'INTERNAL_ERROR', retryable: true },
    });
    expect(await at.submit('again', args, 'back')).toMatchObject({ job_id: jobId });
    const { Jobs } = await at.list({}, 'back');
    expect(Jobs).toMatchObject([{ job_id: jobId, status: 'error', last_event_seq: 4 }]);
  });
});
