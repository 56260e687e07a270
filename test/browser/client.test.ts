// The client library in a real browser: bundled for one, it keeps the same promise there.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import { bearer, createRuntime, defineAgent } from '../../src/index.ts';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(executablePath))
  console.warn(`browser tests skipped: no ${executablePath}; set CHROMIUM to a Chromium`);

const counter = defineAgent<{ count: number }>({
  name: 'counter',
  async run(job) {
    for (let i = 1; i <= job.input.count; i += 1) {
      job.progress({ current: i, total: job.input.count });
      await job.sleep(20);
    }
    return { counted: job.input.count };
  },
});

test.skipIf(!existsSync(executablePath))(
  'in a browser a job is watched to its end through a pulled cable, each event once',
  async () => {
    const script = await bundle();
    const runtime = createRuntime({ agents: [counter], authenticate: bearer({ 'tok-alice': 'alice' }) });
    const server = createServer((_request, response) => {
      response
        .setHeader('content-type', 'text/html')
        .end(`<title>ARCP</title><pre id="told"></pre><script type="module">${script}</script>`);
    });
    runtime.attach(server);
    // The cable: every socket that a connection came in on.
    const cables = new Set<{ destroy(): void }>();
    server.on('upgrade', (_request, socket) => cables.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      await runtime.close();
      server.close();
    });
    const { port } = server.address() as AddressInfo; // tidy: node types a listening TCP server's address no closer
    const page = await openPage(`http://127.0.0.1:${port}/`);
    await page.getByText('event 10:').waitFor();
    for (const cable of cables) cable.destroy();
    await page.getByText('result').waitFor();
    const told = (await page.locator('#told').textContent()) ?? '';
    expect(told).toContain('state waiting');
    expect(told).toContain('state resumed');
    expect([...told.matchAll(/event (\d+):/g)].map(([, seq]) => Number(seq))).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
    expect(told).toContain('result {"counted":40}');
  },
  120_000,
);

/** The client and a page's script as one file for browsers, its Node parts replaced as package.json's `browser` field says. */
async function bundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'arcp-browser-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const output = await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('.', import.meta.url)),
    build: {
      outDir: folder,
      write: false,
      lib: { entry: fileURLToPath(new URL('page.js', import.meta.url)), formats: ['es'] },
    },
  });
  const [chunk] = [output].flat().flatMap((built) => ('output' in built ? built.output : []));
  if (chunk?.type !== 'chunk') throw new Error('the bundler made no script');
  expect(chunk.code).not.toMatch(/from ?["']node:/);
  return chunk.code;
}

async function openPage(url: string) {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(url);
  return page;
}
