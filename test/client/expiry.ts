// A client's session that cannot be resumed (§3): told, never hidden. The test plays the runtime.
import { describe, expect, test } from 'vitest';
import { ArcpError } from '../../src/client.ts';
import { simulatedClock } from '../../src/clock.ts';
import { readAll, readSome, seqsOf, theatre } from './scripted.ts';

describe('a session that is lost (§3)', () => {
  test('a refused resume is told to every job with its code and details, and no other session is opened', async () => {
    const place = theatre();
    const { client, stage, job } = await place.running();
    stage.events('job_1', 1, 2);
    await stage.delivered(client);
    const result = job.result().catch((error: unknown) => error);
    stage.drop();
    const again = await place.next();
    again.refuse(await again.next('session.hello'), 'RESUME_WINDOW_EXPIRED', { reason: 'trimmed', oldest_seq: 9 });
    const error = await result;
    expect(error).toBeInstanceOf(ArcpError);
    expect(error).toMatchObject({ code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'trimmed', oldest_seq: 9 } });
    expect(place.states.at(-1)).toEqual({ state: 'expired', reason: 'trimmed', error });
    // What had arrived is still there, and then the iteration says why it cannot go on.
    expect(seqsOf(await readSome(job, 2))).toEqual([1, 2]);
    await expect(readAll(job)).rejects.toBe(error);
    await expect(client.submit('counter')).rejects.toBe(error);
    await expect(client.job('job_9').result()).rejects.toBe(error);
    await client.close();
    expect(place.dials).toBe(2);
  });

  test('the window over without a connection, the client gives up and says why it never came back', async () => {
    const place = theatre();
    const clock = simulatedClock();
    const { stage, job } = await place.running({ clock, random: () => 1 }, { capabilities: { features: [] } });
    place.unplug(new Error('no route to host'));
    const result = expect(job.result()).rejects.toMatchObject({
      code: 'RESUME_WINDOW_EXPIRED',
      details: { reason: 'unreachable' },
      message: expect.stringContaining('no route to host'),
    });
    stage.drop();
    await place.until('waiting');
    // 60 s of window and 15 s more.
    while (clock.uptime() < 74_000) {
      clock.advance(Math.min(clock.nextInMs() ?? 0, 74_000 - clock.uptime()));
      if (clock.uptime() < 74_000) await place.until('waiting');
    }
    expect(place.names().at(-1)).not.toBe('expired');
    clock.advance(1000);
    await result;
    expect(place.states.at(-1)).toMatchObject({ state: 'expired', reason: 'unreachable' });
  });
});
