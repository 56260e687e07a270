// How much of our own code stands between the wire and an agent: a frame in, an event out (docs/ARCHITECTURE.md lists them).
import { expect, test } from 'vitest';
import { createRuntime, defineAgent } from '../../src/index.ts';
import { memoryPair } from '../../src/transports/memory.ts';
import { Peer } from '../support/peer.ts';
import { recordingLog } from '../support/runtime.ts';

/** The functions of ours on the stack, innermost first. */
function ours(): string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 200;
  const stack = new Error().stack ?? '';
  Error.stackTraceLimit = stackTraceLimit;
  return stack
    .split('\n')
    .filter((line) => /\/(src|machines)\//.test(line) && !line.includes('node_modules'))
    .filter((line) => !line.includes('/transports/memory.ts'))
    .map((line) =>
      line
        .trim()
        .replace(/^at /, '')
        .replace(/ \(.*$/, ''),
    );
}

test('a submit crosses at most 12 functions of ours before the agent, an event at most 6 before the socket', async () => {
  let inward: string[] = [];
  let outward: string[] = [];
  const sent: string[][] = [];
  const agent = defineAgent({
    name: 'mirror',
    run(job) {
      inward = ours();
      job.progress({
        current: 1,
        // The innermost function that sees the body stands where the log takes it.
        get total() {
          outward = ours();
          return 2;
        },
      });
    },
  });
  const runtime = createRuntime({ agents: [agent], authenticate: () => ({ principal: 'p' }), log: recordingLog() });
  const [mine, theirs] = memoryPair();
  runtime.accept({
    send: (text) => theirs.send(text),
    sendAll(texts) {
      sent.push(ours());
      theirs.sendAll?.(texts);
    },
    close: (code, reason) => theirs.close(code, reason),
    onMessage: (receive) => theirs.onMessage(receive),
    onClose: (closed) => theirs.onClose(closed),
  });
  const peer = new Peer(mine);
  await peer.hello('any');
  await peer.ask('job.submit', { agent: 'mirror' });
  await peer.next('job.result');
  // The event's first half ends where the log takes it (`append`, `wake`), its second begins in a microtask.
  const out = [...outward.reverse(), 'EventLog.append', 'Connection.wake', ...(sent[0] ?? []).reverse()];
  const from = out.findIndex((name) => name.includes('progress'));
  console.info(`submit: ${inward.reverse().join(' → ')}\nevent: ${out.slice(from).join(' → ')} → socket`);
  expect(inward.length).toBeLessThanOrEqual(12);
  expect(out.slice(from).length + 1).toBeLessThanOrEqual(6);
  await runtime.close();
});
