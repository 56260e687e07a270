import { describe, expect, test } from 'vitest';
import { theatre } from './scripted.ts';

describe('a way back that is disturbed (§3)', () => {
  test('a runtime that fails to answer a resume, and says that it may be tried again, is tried again', async () => {
    const place = theatre();
    const { stage } = await place.live();
    stage.drop();
    const second = await place.next();
    second.answer(await second.next('session.hello'), 'session.error', {
      code: 'INTERNAL_ERROR',
      message: 'not now',
      retryable: true,
    });
    const third = await place.next();
    await third.welcome();
    await third.catchUp();
    await place.until('live');
  });

  test('a frame that is no JSON, in place of a welcome, is one lost try of many', async () => {
    const place = theatre();
    const { stage } = await place.live();
    stage.drop();
    const second = await place.next();
    await second.next('session.hello');
    second.raw('welcome, but not in JSON');
    const third = await place.next();
    await third.welcome();
    await third.catchUp();
    await place.until('live');
  });

  test('a client that is taken over on its way back stays away', async () => {
    const place = theatre();
    const { client, stage } = await place.live();
    stage.drop();
    const second = await place.next();
    await second.next('session.hello');
    second.end(4001, 'superseded');
    await place.until('closed');
    expect(client.state).toBe('closed');
  });

  test('a connection that breaks after a goodbye, before its answer, is an end all the same', async () => {
    const { client, stage } = await theatre().live();
    const closing = client.close();
    await stage.next('session.close');
    stage.drop();
    await closing;
    expect(client.state).toBe('closed');
  });
});
