// §7 of the protocol: inline results, and streamed ones that keep or break its rules.
import { describe, expect, test } from 'vitest';
import type { JobContext } from '../../src/index.ts';
import { assembled, ending, failed, mebibyte, runJob } from '../support/results.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

describe('§7 an inline result', () => {
  for (const value of [null, 0, '', false, [], {}, 'text', -1.5, [1, [2]], { deep: { é: '€' } }]) {
    test(`§7 ${JSON.stringify(value)} comes as it was returned`, async () => {
      const { terminal } = await runJob(async () => value);
      expect(terminal).toMatchObject({ type: 'job.result', payload: { final_status: 'success', result: value } });
      expect(terminal?.payload).not.toHaveProperty('result_id');
      expect(terminal?.payload).not.toHaveProperty('result_size');
    });
  }

  test('§7 an agent that returns nothing has the result null', async () => {
    const { terminal } = await runJob(() => {});
    expect(terminal?.payload).toHaveProperty('result', null);
  });

  test('§7 of exactly 1 MiB of JSON is delivered', async () => {
    const result = 'x'.repeat(mebibyte - 2);
    expect((await runJob(() => result)).terminal).toMatchObject({ type: 'job.result', payload: { result } });
  });

  // proves P7.12
  test('§7 of one byte more ends the job with INTERNAL_ERROR, the reason logged', async () => {
    const { terminal, log } = await runJob(() => 'x'.repeat(mebibyte - 1));
    expect(terminal).toMatchObject(failed);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { err: expect.any(Error) } }]);
    expect(JSON.stringify(terminal)).not.toContain('xxx');
  });

  test('§7 is counted in bytes, not in characters', async () => {
    expect((await runJob(() => 'é'.repeat(mebibyte / 2))).terminal).toMatchObject(failed);
    expect((await runJob(() => 'é'.repeat(mebibyte / 2 - 1))).terminal).toMatchObject({ type: 'job.result' });
  });
});

describe('§7 a streamed result', () => {
  // proves P7.09
  test('§7 comes in chunks numbered from 0 in order, the last one without more; the terminal names it and its size', async () => {
    const { chunks, terminal } = await runJob((job) => {
      const result = job.result();
      for (const text of ['one ', 'two ', 'three']) result.write(text);
      result.end('three words');
    });
    const [{ result_id: id }] = chunks;
    expect(id).toMatch(/^res_[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(chunks).toEqual([
      { result_id: id, chunk_seq: 0, data: 'one ', encoding: 'utf8', more: true },
      { result_id: id, chunk_seq: 1, data: 'two ', encoding: 'utf8', more: true },
      { result_id: id, chunk_seq: 2, data: 'three', encoding: 'utf8', more: false },
    ]);
    expect(terminal).toMatchObject({ type: 'job.result', event_seq: 4 });
    const { job_id: _jobId, completed_at: _at, ...payload } = terminal?.payload ?? {};
    expect(payload).toEqual({ final_status: 'success', result_id: id, result_size: 13, summary: 'three words' });
  });

  test('§7 without a summary has none', async () => {
    const { terminal } = await runJob((job) => job.result().end());
    expect(terminal?.payload).not.toHaveProperty('summary');
  });

  test('§7 that is empty is one empty chunk without more, of size 0', async () => {
    const { chunks, terminal } = await runJob((job) => job.result().end());
    expect(chunks).toMatchObject([{ chunk_seq: 0, data: '', more: false }]);
    expect(terminal?.payload).toMatchObject({ result_size: 0 });
  });

  test('§7 may have other events between its chunks', async () => {
    const { chunks, peer } = await runJob((job) => {
      const result = job.result();
      result.write('a');
      job.thought('hm');
      result.write('b');
      result.end();
      job.thought('done');
    });
    expect(assembled(chunks).toString()).toBe('ab');
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  // proves P7.11
  test('§7 of text has its size in bytes: multibyte text is larger than it is long', async () => {
    const text = 'é€😀';
    const { chunks, terminal } = await runJob((job) => {
      const result = job.result();
      result.write(text);
      result.end();
    });
    expect(assembled(chunks).toString()).toBe(text);
    expect(terminal?.payload).toMatchObject({ result_size: 9 });
  });

  test('§7 of text written in any pieces is that text: a character cut in two between them is whole again', async () => {
    const text = 'a😀b€😀';
    const { chunks, terminal } = await runJob((job) => {
      const result = job.result();
      for (let i = 0; i < text.length; i += 1) result.write(text[i] ?? '');
      result.end();
    });
    expect(assembled(chunks).toString()).toBe(text);
    expect(terminal?.payload).toMatchObject({ result_size: Buffer.byteLength(text) });
  });

  test('§7 of bytes comes in base64, any bytes, cut anywhere', async () => {
    const bytes = Buffer.from([...Array.from({ length: 256 }, (_, i) => i), ...Buffer.from('é€😀')]);
    for (const size of [1, 2, 3, 7, 300]) {
      const { chunks, terminal } = await runJob((job) => {
        const result = job.result({ encoding: 'base64' });
        for (let i = 0; i < bytes.length; i += size) result.write(bytes.subarray(i, i + size));
        result.end();
      });
      expect(chunks.every((chunk) => chunk.encoding === 'base64')).toBe(true);
      expect(assembled(chunks).equals(bytes)).toBe(true);
      expect(terminal?.payload).toMatchObject({ result_size: bytes.length });
    }
  });

  test('§7 text in a base64 stream goes as its UTF-8 bytes, a character cut in two whole again', async () => {
    const { chunks, terminal } = await runJob((job) => {
      const result = job.result({ encoding: 'base64' });
      result.write('€\ud83d');
      result.write('\ude00');
      result.end();
    });
    expect(assembled(chunks).toString()).toBe('€😀');
    expect(terminal?.payload).toMatchObject({ result_size: 7 });
  });

  test('§7 text whose last character was cut and never completed stays before the bytes that follow it', async () => {
    const { chunks } = await runJob((job) => {
      const result = job.result({ encoding: 'base64' });
      result.write('a\ud83d');
      result.write(Buffer.from('b'));
      result.end();
    });
    expect(assembled(chunks).toString()).toBe('a\ufffdb');
  });

  test('§7 what was written is what it was at that moment, whatever becomes of the buffer', async () => {
    const { chunks } = await runJob((job) => {
      const result = job.result({ encoding: 'base64' });
      const buffer = Buffer.from('first');
      result.write(buffer);
      buffer.fill('x');
      result.write(buffer);
      result.end();
    });
    expect(assembled(chunks).toString()).toBe('firstxxxxx');
  });

  for (const [what, data] of [
    ['plain text', 'x'.repeat(mebibyte)],
    ['multibyte text', '€'.repeat(Math.floor(mebibyte / 3))],
    ['lines', '\n'.repeat(mebibyte)],
    ['JSON', '{"a":"b"},'.repeat(mebibyte / 16)],
    ['control characters', '\u0001'.repeat(mebibyte)],
  ] satisfies [string, string][]) {
    test(`§7 a chunk of 1 MiB of ${what} is delivered`, async () => {
      const { chunks, terminal } = await runJob((job) => {
        const result = job.result();
        result.write(data);
        result.end();
      });
      expect(terminal).toMatchObject({ type: 'job.result', payload: { result_size: Buffer.byteLength(data) } });
      expect(assembled(chunks).toString() === data).toBe(true);
    });
  }

  test('§7 a chunk of 1 MiB of bytes is delivered', async () => {
    const { chunks, terminal } = await runJob((job) => {
      const result = job.result({ encoding: 'base64' });
      result.write(Buffer.alloc(mebibyte, 0xff));
      result.end();
    });
    expect(terminal?.payload).toMatchObject({ result_size: mebibyte });
    expect(assembled(chunks)).toHaveLength(mebibyte);
  });
});

describe('§7 a result that breaks a rule ends its job with INTERNAL_ERROR, the reason logged', () => {
  const broken: [string, (job: JobContext) => unknown][] = [
    ['a stream never ended', (job) => job.result().write('half')],
    ['a stream begun and left', (job) => void job.result()],
    [
      'chunks followed by an inline result',
      (job) => {
        const result = job.result();
        result.write('streamed');
        result.end();
        return 'inline';
      },
    ],
    [
      'chunks followed by null',
      (job) => {
        job.result().end();
        return null;
      },
    ],
    ['a chunk over 1 MiB', (job) => ending(job, ['x'.repeat(mebibyte + 1)])],
    ['a chunk over 1 MiB in bytes', (job) => ending(job, ['é'.repeat(mebibyte / 2 + 1)])],
    ['a chunk after the end', (job) => ending(job, ['a']).write('b')],
    ['a second end', (job) => ending(job, ['a']).end()],
    ['a second stream', (job) => [ending(job, ['a']), job.result()].find(() => false)],
    ['bytes in a stream of text', (job) => ending(job, [Buffer.from('a')])],
  ];
  for (const [what, agent] of broken) {
    // proves P7.10, P7.12
    test(`§7 ${what}`, async () => {
      const { terminal, log } = await runJob(agent);
      expect(terminal).toMatchObject(failed);
      expect(log.lines).toMatchObject([{ level: 'error', fields: { err: expect.any(Error) } }]);
    });
  }

  test('§7 a chunk over 1 MiB that the agent would rather forget is no success: the result has a hole', async () => {
    const { terminal } = await runJob((job) => {
      const result = job.result();
      result.write('begin ');
      try {
        result.write('x'.repeat(mebibyte + 1));
      } catch {}
      result.write(' end');
      result.end();
    });
    expect(terminal).toMatchObject(failed);
  });

  // proves P7.09
  test('§7 nothing comes after the chunk without more, whatever the agent still writes', async () => {
    const { chunks } = await runJob((job) => {
      const result = ending(job, ['a', 'b']);
      expect(() => result.write('c')).toThrow();
      expect(() => result.end()).toThrow();
    });
    expect(chunks.map(({ data, more }) => [data, more])).toEqual([
      ['a', true],
      ['b', false],
    ]);
  });

  // proves P7.12
  test('§7 a streamed result over 256 MiB', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent], bufferBytes: 4 * mebibyte });
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet');
    await cut(peer);
    const result = agent.job.result();
    const chunk = 'x'.repeat(mebibyte);
    for (let i = 0; i < 256; i += 1) result.write(chunk);
    expect(() => result.write('y')).toThrow(RangeError);
    result.end();
    agent.finish();
    await turn();
    const newestSeq = at.runtime.sessions()[0]?.newestSeq ?? 0;
    const back = await comeBack(at, { resumeToken, after: newestSeq - 1 });
    expect(terminals(back.peer)).toMatchObject([failed]);
  });
});
