// Every program of docs/examples/ as its reader would use it: as a module over a real socket, and run by `node`.
import { expect, test } from 'vitest';
import { connect } from '../../src/client.ts';
import { dialWs } from '../../src/transports/ws.ts';
import { recordingLog } from '../support/runtime.ts';
import { run, start } from './example.ts';

test('node-http.js: a client submits a job through the attached runtime and gets every event and the result', async () => {
  const { url, countTo } = await start('node-http.js');
  const shown: string[] = [];
  expect(await countTo(url, 3, (line) => shown.push(line))).toEqual({ counted: 3 });
  expect(shown).toEqual([1, 2, 3].map((i) => `event ${i}: progress {"current":${i},"total":3}`));
});

test('node-http.js: all other requests stay the server’s own, and upgrades to other paths are refused', async () => {
  const { url } = await start('node-http.js');
  const http = url.replace('ws:', 'http:').replace('/arcp', '/');
  expect(await (await fetch(http)).text()).toBe('Everything else this server does\n');
  await expect(dialWs(url.replace('/arcp', '/other'))).rejects.toThrow('404');
});

test('node-http.js: run by node it shows one job, serves on, and ends in order when told to', async () => {
  const program = run('node-http.js', '0');
  const url = await program.prints('listening on ');
  expect(await program.prints('result: ')).toBe('{"counted":5}');
  const states: string[] = [];
  const client = await connect(url, { token: 'tok-alice', onState: ({ state }) => states.push(state) });
  expect(await program.terminate()).toBe(0);
  expect(states).toContain('live');
  await client.close();
});

test('express.js: the users of the HTTP routes are those of the runtime, each with sessions of their own', async () => {
  const log = recordingLog();
  const { url, httpUrl } = await start('express.js', { log });
  const alice = await connect(url, { token: 'tok-alice' });
  const job = await alice.submit('greeter', { name: 'Ada' });
  expect(await job.result()).toBe('Hello, Ada!');
  const sessionsOf = async (token: string) => {
    const response = await fetch(`${httpUrl}/sessions`, { headers: { authorization: `Bearer ${token}` } });
    return response.ok ? response.json() : response.status;
  };
  expect(await sessionsOf('tok-alice')).toMatchObject([{ principal: 'alice', state: 'live', newestSeq: 2 }]);
  expect(await sessionsOf('tok-bob')).toEqual([]);
  expect(await sessionsOf('tok-nobody')).toBe(401);
  await alice.bye();
});

test('express.js: strangers are refused, decisions are audited, and no token reaches the log', async () => {
  const log = recordingLog();
  const { url } = await start('express.js', { log });
  await expect(connect(url, { token: 'tok-nobody' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  const bob = await connect(url, { token: 'tok-bob' });
  const { resumeToken } = bob.ticket;
  await bob.bye();
  const audited = log.lines.filter(({ message }) => message === 'audit').map(({ fields }) => fields);
  expect(audited).toContainEqual(expect.objectContaining({ action: 'hello', outcome: 'allowed', principal: 'bob' }));
  const logged = JSON.stringify(log.lines);
  for (const secret of ['tok-nobody', 'tok-bob', resumeToken]) expect(logged).not.toContain(secret);
});

test('express.js: only the named hosts and origins may connect', async () => {
  const { url } = await start('express.js', { log: recordingLog() });
  await expect(dialWs(url, { headers: { host: 'rebound.example' } })).rejects.toThrow('403');
  await expect(dialWs(url, { headers: { origin: 'http://elsewhere.example' } })).rejects.toThrow('403');
  const page = await dialWs(url, { headers: { origin: 'http://localhost:5173' } });
  page.close(1000);
});

test('express.js: run by node it serves, and ends in order when told to', async () => {
  const program = run('express.js', '0');
  const client = await connect(await program.prints('listening on '), { token: 'tok-alice' });
  expect(await (await client.submit('greeter', { name: 'Bo' })).result()).toBe('Hello, Bo!');
  await client.bye();
  expect(await program.terminate()).toBe(0);
});

test('message-port.js: a client in another thread has its job done over a transport of one’s own', async () => {
  expect((await start('message-port.js')).result).toEqual({ counted: 5 });
});

test('message-port.js: run by node it shows the result and ends by itself', async () => {
  const program = run('message-port.js');
  expect(await program.prints('result: ')).toBe('{"counted":5}');
  expect(await program.exited()).toBe(0);
});

test('machine-agent.js: a machine asks again after its delay, and the client sees its events and its output', async () => {
  const { url, order } = await start('machine-agent.js');
  const shown: string[] = [];
  expect(await order(url, 'rivers', (line) => shown.push(line))).toEqual({ topic: 'rivers', rows: 20 });
  expect(shown).toEqual([
    'status {"phase":"gathering","message":"attempt 1"}',
    'status {"phase":"gathering","message":"attempt 2"}',
    'log {"level":"info","message":"gathered for alice"}',
    'progress {"current":1,"total":1}',
  ]);
});

test('machine-agent.js: run by node it shows one job, serves on, and ends in order when told to', async () => {
  const program = run('machine-agent.js', '0');
  expect(await program.prints('result: ')).toBe('{"topic":"rivers","rows":20}');
  expect(await program.terminate()).toBe(0);
});

test('observed.js: a scrape has the figures of what a client did, and the exporter its spans', async () => {
  const { InMemorySpanExporter } = await import('@opentelemetry/sdk-trace-base');
  const exporter = new InMemorySpanExporter();
  const { url, httpUrl, close } = await start('observed.js', { exporter });
  const client = await connect(url, { token: 'tok-alice' });
  expect(await (await client.submit('counter', { count: 3 })).result()).toEqual({ counted: 3 });
  const scrape = await (await fetch(`${httpUrl}/metrics`)).text();
  expect(scrape).toContain('arcp_sessions{state="live"} 1');
  expect(scrape).toContain('arcp_jobs_ended_total{status="success"} 1');
  expect(scrape).toContain('arcp_job_events_total 4');
  await client.bye();
  const names = exporter.getFinishedSpans().map(({ name }) => name);
  expect(names.sort()).toEqual(['arcp.job', 'arcp.session']);
  expect(typeof close).toBe('function');
});

test('observed.js: run by node it serves, and ends in order when told to', async () => {
  const program = run('observed.js', '0');
  const client = await connect(await program.prints('listening on '), { token: 'tok-alice' });
  const metrics = await fetch(await program.prints('metrics at '));
  expect(await metrics.text()).toContain('arcp_sockets 1');
  await client.bye();
  expect(await program.terminate()).toBe(0);
});
