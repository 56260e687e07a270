import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { stdioTransport } from '../../src/transports/stdio.ts';
import { portOf } from './cable.ts';
import { frameBytesMax, listen, transportContract } from './contract.ts';

/** Two streams joined through the kernel, as pipes are. */
async function socketPair() {
  const server = createServer({ noDelay: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ port: portOf(server.address()), host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const [far] = await once(server, 'connection');
  server.close();
  return { near, far, server };
}

transportContract('stdio', {
  codeTold: () => 1006,
  async open() {
    const { near, far, server } = await socketPair();
    const limits = { maxFrameBytes: frameBytesMax, closeTimeoutMs: 300 };
    return {
      near: stdioTransport({ input: near, output: near, ...limits }),
      far: stdioTransport({ input: far, output: far, ...limits }),
      stallFar: () => far.pause(),
      resumeFar: () => far.resume(),
      sendBytesToFar: (bytes) => near.write(new Uint8Array([...bytes, 0x0a])),
      cut: () => near.destroy(),
      async end() {
        near.destroy();
        far.destroy();
        if (server.listening) await once(server, 'close');
      },
    };
  },
});

/** A transport whose input a test writes byte by byte. */
function reading({ maxFrameBytes = 1000 } = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const transport = stdioTransport({ input, output, maxFrameBytes });
  return { input, output, transport, ...listen(transport) };
}

test('a character split between two reads arrives whole', async () => {
  const { input, heard } = reading();
  for (const byte of Buffer.from('{"text":"漢字🎉"}\n')) input.write(Buffer.from([byte]));
  expect(await heard(1)).toEqual(['{"text":"漢字🎉"}']);
});

// proves P1.02
test('blank lines are ignored and CRLF ends a line as LF does', async () => {
  const { input, heard } = reading();
  input.write('\n\r\n  \t \n{"n":1}\r\n\n{"n":2}\n{"n":3}\r');
  input.write('\n');
  expect(await heard(3)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
});

test('several frames of one read, and one frame of several reads, are the same', async () => {
  const { input, heard } = reading();
  input.write('{"n":1}\n{"n":2}\n{"n"');
  input.write(':3');
  input.write('}\n{"n":4}\n');
  expect(await heard(4)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}', '{"n":4}']);
});

test('a last line without its newline counts, then the end of input is told as 1006', async () => {
  const { input, frames, ended } = reading();
  input.end('{"n":1}\n{"n":2}');
  expect(await ended()).toEqual({ code: 1006, reason: 'end of input' });
  expect(frames).toEqual(['{"n":1}', '{"n":2}']);
});

// proves P1.02
test('a line of the limit is taken, with LF or CRLF, and one byte more ends with 1009', async () => {
  const { input, frames, ends, ended } = reading({ maxFrameBytes: 10 });
  input.write(`${'a'.repeat(10)}\n${'b'.repeat(10)}\r\n`);
  input.write('c'.repeat(10));
  input.write('\r');
  input.write('\n');
  input.write(`${'d'.repeat(11)}\nafter\n`);
  expect((await ended())?.code).toBe(1009);
  expect(frames).toEqual(['a'.repeat(10), 'b'.repeat(10), 'c'.repeat(10)]);
  expect(ends).toHaveLength(1);
});

test('a line that never ends is given up at the limit, not buffered', async () => {
  let produced = 0;
  const input = new Readable({
    read() {
      produced += 1000;
      this.push(Buffer.alloc(1000, 'x'));
    },
  });
  const { ended } = listen(stdioTransport({ input, output: new PassThrough(), maxFrameBytes: 10_000 }));
  expect((await ended())?.code).toBe(1009);
  expect(input.destroyed).toBe(true);
  expect(produced).toBeLessThan(200_000);
});

test('the limit counts bytes, not characters', async () => {
  const { input, ended } = reading({ maxFrameBytes: 10 });
  input.write('漢漢漢漢\n');
  expect((await ended())?.code).toBe(1009);
});

test('a receiver may close while lines of the same read are waiting: it hears no more', async () => {
  const { input, transport } = reading();
  const frames: unknown[] = [];
  transport.onMessage((data) => {
    frames.push(data);
    transport.close(1000);
  });
  const closed = new Promise((resolve) => transport.onClose(resolve));
  input.write('1\n2\n3\n');
  expect(await closed).toBe(1000);
  expect(frames).toEqual(['1']);
});

test('the end of input still lets out what was sent before it', async () => {
  const { input, output, transport } = reading();
  transport.onMessage((data) => transport.send(`answer to ${String(data)}`));
  input.end('question\n');
  const said = await output.setEncoding('utf8').toArray();
  expect(said.join('')).toBe('answer to question\n');
});

test('an output that fails ends with 1006 and what it said', async () => {
  const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space left')) });
  const transport = stdioTransport({ input: new PassThrough(), output, maxFrameBytes: 1000 });
  const { ended } = listen(transport);
  transport.send('1');
  expect(await ended()).toEqual({ code: 1006, reason: 'no space left' });
});

test('streams that had ended before are told as an end', async () => {
  const input = new PassThrough();
  input.destroy();
  const { ended } = listen(stdioTransport({ input, output: new PassThrough(), maxFrameBytes: 1000 }));
  expect((await ended())?.code).toBe(1006);
});

test('what ends a line to some readers, and not to JSON, is written as an escape', async () => {
  const { input, output, transport } = reading();
  transport.send(JSON.stringify({ text: 'a\u2028b\u2029c' }));
  input.end();
  expect((await output.setEncoding('utf8').toArray()).join('')).toBe('{"text":"a\\u2028b\\u2029c"}\n');
});

/** A process that speaks lines: it answers each with itself. */
function echoProcess() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const transport = stdioTransport({ input: child.stdout, output: child.stdin, maxFrameBytes: frameBytesMax });
  return { child, transport, ...listen(transport) };
}

test('a real process is spoken to over its stdin and stdout, and ends when we close', { timeout: 30_000 }, async () => {
  const { child, transport, heard, ended } = echoProcess();
  const exited = once(child, 'exit');
  const texts = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ i, text: '漢字🎉'.repeat(20) }));
  transport.sendAll?.(texts.slice(0, 1000));
  for (const text of texts.slice(1000)) transport.send(text);
  expect(await heard(2000)).toEqual(texts);
  transport.close(1000);
  expect((await ended())?.code).toBe(1000);
  expect(await exited).toEqual([0, null]);
});

test('a process that dies while we write to it ends with 1006 and harms nobody', { timeout: 30_000 }, async () => {
  const { child, transport, heard, ended } = echoProcess();
  transport.send('1');
  await heard(1);
  child.kill('SIGKILL');
  for (let i = 0; i < 100; i += 1) transport.send('x'.repeat(100_000));
  expect((await ended())?.code).toBe(1006);
  transport.send('late');
});
