// `npm run bench:recovery`: how long a runtime takes to be ready over what an earlier process has left: 10,000 sessions of 100
// events each, or `--sessions N --events N`. Then one of them resumes from nothing.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bearer, createRuntime, defineAgent, memoryPair, sqliteStore } from '../../dist/src/index.js';

const { values } = parseArgs({
  options: { sessions: { type: 'string' }, events: { type: 'string' }, leave: { type: 'string' } },
});
const sessions = Number(values.sessions ?? 10_000);
const events = Number(values.events ?? 100);
const readyMsMax = 1000;
const token = 'rt_of-the-bench';
if (values.leave !== undefined) {
  await leave(values.leave);
  process.exit(0);
}
const folder = await mkdtemp(join(tmpdir(), 'arcpx-recovery-'));
const file = join(folder, 'arcp.db');
// A process of its own, so that this one begins as a server does.
const left = spawnSync(process.execPath, [...process.argv.slice(1), '--leave', file], { stdio: 'inherit' });
if (left.status !== 0) process.exit(1);
const runtime = createRuntime({
  agents: [defineAgent({ name: 'none', run: () => {} })],
  authenticate: bearer({ 'tok-bench': 'bench' }),
  store: sqliteStore(file),
  maxSessionsPerPrincipal: sessions * 2,
});
const cpu = process.cpuUsage();
const beganMs = performance.now();
await runtime.ready;
const readyMs = performance.now() - beganMs;
const { user, system } = process.cpuUsage(cpu);
const resumed = await resume();
console.log(`${sessions} sessions of ${events} events: ready in ${readyMs.toFixed(0)} ms`);
console.log(`one of them, its ${resumed.events} events from disk: ${resumed.ms.toFixed(1)} ms`);
console.log(`processor ${((user + system) / 1000).toFixed(0)} ms, of both threads`);
console.log(`resident ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`);
await runtime.close();
await rm(folder, { recursive: true });
const isGood = readyMs <= readyMsMax && resumed.events === events;
console.log(isGood ? `met: within ${readyMsMax} ms` : `MISSED: within ${readyMsMax} ms`);
process.exit(isGood ? 0 : 1);

/** What a process leaves behind: sessions that were connected, and their logs. */
async function leave(file) {
  const store = sqliteStore(file);
  await store.open({ committed() {}, trouble() {} });
  const payload = { kind: 'log', ts: new Date().toISOString(), body: { level: 'info', message: 'x'.repeat(100) } };
  for (let n = 0; n < sessions; n += 1) {
    const id = `sess_${String(n).padStart(26, '0')}`;
    const hash = createHash('sha256')
      .update(n === 0 ? token : randomBytes(32))
      .digest('base64');
    const record = {
      principal: 'bench',
      features: [],
      dialect: 'plain',
      tokens: [{ hash }],
      state: 'attached',
      ackedSeq: 0,
    };
    const texts = Array.from({ length: events }, (_, index) =>
      JSON.stringify({ arcp: '1.1', id: `msg_${n}_${index}`, type: 'job.event', event_seq: index + 1, payload }),
    );
    store.write([
      { do: 'put', kind: 'session', id, body: JSON.stringify(record), expect: 0 },
      { do: 'append', log: id, firstSeq: 1, texts },
    ]);
    if (n % 500 === 0) await store.flush();
  }
  await store.close();
}

function resume() {
  return new Promise((resolve, reject) => {
    const [mine, theirs] = memoryPair();
    runtime.accept(theirs);
    const startedMs = performance.now();
    let count = 0;
    mine.onMessage((text) => {
      const frame = JSON.parse(text);
      if (frame.type === 'session.error') reject(new Error(text));
      if (frame.event_seq !== undefined) count += 1;
      if (count === events) resolve({ events: count, ms: performance.now() - startedMs });
    });
    const auth = { scheme: 'bearer', token: 'tok-bench' };
    mine.send(JSON.stringify({ arcp: '1.1', id: '1', type: 'session.resume', payload: { auth, resume_token: token } }));
  });
}
