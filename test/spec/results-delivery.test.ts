// §7 of the protocol: a streamed result, where its client takes no chunks, or is away.
import { describe, expect, test } from 'vitest';
import type { JobContext } from '../../src/index.ts';
import { assembled, chunksOf, ending, failed, inlineOnly, mebibyte, runJob } from '../support/results.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

describe('§7 without result_chunk negotiated', () => {
  // proves P7.13
  test('§7 a streamed result is delivered inline, and its chunks cost no number', async () => {
    const { terminal, chunks } = await runJob((job) => void ending(job, ['é', '€', '😀']), { features: inlineOnly });
    expect(chunks).toEqual([]);
    expect(terminal).toMatchObject({ type: 'job.result', event_seq: 1, payload: { result: 'é€😀' } });
    expect(terminal?.payload).not.toHaveProperty('result_id');
    expect(terminal?.payload).not.toHaveProperty('result_size');
  });

  test('§7 its summary is kept', async () => {
    const { terminal } = await runJob((job) => job.result().end('nothing to say'), { features: inlineOnly });
    expect(terminal?.payload).toMatchObject({ result: '', summary: 'nothing to say' });
  });

  test('§7 bytes come inline as base64, whole', async () => {
    const bytes = Buffer.from([0, 255, 1, 254, 2]);
    const agent = (job: JobContext) => {
      const result = job.result({ encoding: 'base64' });
      result.write(bytes.subarray(0, 2));
      result.write(bytes.subarray(2));
      result.end();
    };
    expect((await runJob(agent, { features: inlineOnly })).terminal?.payload.result).toBe(bytes.toString('base64'));
  });

  test('§7 a character cut in two between writes is whole again', async () => {
    const { terminal } = await runJob((job) => void ending(job, ['a\ud83d', '\ude00']), { features: inlineOnly });
    expect(terminal?.payload).toMatchObject({ result: 'a😀' });
  });

  for (const [what, size, encoding] of [
    ['text', mebibyte + 1, 'utf8'],
    ['bytes, which grow in base64', mebibyte - 10, 'base64'],
  ] as const) {
    test(`§7 a result of ${what} that does not fit inline (1 MiB of JSON) ends the job with INTERNAL_ERROR`, async () => {
      const agent = (job: JobContext) => {
        const result = job.result({ encoding });
        const half = Math.floor(size / 2);
        result.write('x'.repeat(half));
        result.write('x'.repeat(size - half));
        result.end();
      };
      const { terminal } = await runJob(agent, { features: inlineOnly });
      expect(terminal).toMatchObject(failed);
    });
  }

  test('§7 text that grows when it is written as JSON and then does not fit ends the job with INTERNAL_ERROR', async () => {
    const { terminal } = await runJob((job) => void ending(job, ['\u0001'.repeat(mebibyte / 2)]), {
      features: inlineOnly,
    });
    expect(terminal).toMatchObject(failed);
  });

  test('§7 one never ended, or followed by an inline result, ends the job with INTERNAL_ERROR there too', async () => {
    expect((await runJob((job) => job.result().write('half'), { features: inlineOnly })).terminal).toMatchObject(
      failed,
    );
    const both = (job: JobContext) => ending(job, ['a']) && 'inline';
    expect((await runJob(both, { features: inlineOnly })).terminal).toMatchObject(failed);
  });
});

describe('§7 a streamed result and the connection', () => {
  test('§7 goes on while the client is away, and is whole when it comes back', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent] });
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet');
    const result = agent.job.result();
    result.write('before ');
    await cut(peer);
    result.write('while ');
    const back = await comeBack(at, { resumeToken });
    result.write('after');
    result.end();
    agent.finish();
    await back.peer.next('job.result');
    expect(assembled(chunksOf(back.peer)).toString()).toBe('before while after');
    expect(chunksOf(back.peer).map((chunk) => chunk.chunk_seq)).toEqual([0, 1, 2]);
  });

  test('§7 whose client resumes without result_chunk in its midst never looks whole where it is not', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent] });
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet');
    const result = agent.job.result();
    result.write('one ');
    result.write('two ');
    await cut(peer);
    const back = await comeBack(at, { resumeToken, features: inlineOnly });
    result.write('three');
    result.end();
    agent.finish();
    await turn();
    await back.peer.settle();
    const [terminal] = terminals(back.peer);
    const chunks = chunksOf(back.peer);
    if (terminal?.type === 'job.error') expect(terminal).toMatchObject(failed);
    else if (terminal?.payload.result_id === undefined) expect(terminal?.payload.result).toBe('one two three');
    else expect(assembled(chunks).toString()).toBe('one two three');
  });

  test('§7 whose client gains result_chunk by a resume in its midst is still whole', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent] });
    const { peer, submit, resumeToken } = await enter(at, { features: inlineOnly });
    await submit('puppet');
    const result = agent.job.result();
    result.write('one ');
    await cut(peer);
    const back = await comeBack(at, { resumeToken, features: ['result_chunk'] });
    result.write('two');
    result.end();
    agent.finish();
    await turn();
    await back.peer.settle();
    expect(terminals(back.peer)).toMatchObject([{ type: 'job.result', payload: { result: 'one two' } }]);
    expect(chunksOf(back.peer)).toEqual([]);
  });

  test('§7 of a cancelled job stops: no chunk after the acknowledgement, and a CANCELLED terminal', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent] });
    const { peer, submit } = await enter(at);
    const { job_id: jobId } = await submit('puppet');
    const result = agent.job.result();
    result.write('one ');
    result.write('two ');
    await peer.ask('job.cancel', { job_id: jobId });
    result.write('three');
    result.end();
    agent.finish();
    await peer.next('job.error');
    expect(chunksOf(peer)).toMatchObject([{ chunk_seq: 0, data: 'one ', more: true }]);
    expect(terminals(peer)).toMatchObject([{ payload: { code: 'CANCELLED' } }]);
  });
});
