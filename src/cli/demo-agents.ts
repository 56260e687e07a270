import { defineAgent } from '../agents.ts';

/** What `arcpx serve` serves when it is given no agents: something to try every part of a job's life with. */
export const demoAgents = [
  defineAgent({ name: 'echo', run: (job) => job.input ?? null }),

  defineAgent({
    name: 'counter',
    async run(job) {
      const { count, delayMs } = pace(job.input, { count: 10, delayMs: 100 });
      for (let current = 1; current <= count; current += 1) {
        job.progress({ current, total: count });
        await job.sleep(delayMs);
      }
      return { count };
    },
  }),

  // Events of every session, whatever features it negotiated.
  defineAgent({
    name: 'slow',
    async run(job) {
      const { count, delayMs } = pace(job.input, { count: 40, delayMs: 50 });
      for (let step = 1; step <= count; step += 1) {
        job.log('info', `step ${step} of ${count}`);
        await job.sleep(delayMs);
      }
      return { count };
    },
  }),

  defineAgent({
    name: 'stream',
    async run(job) {
      const { count, delayMs } = pace(job.input, { count: 10, delayMs: 50 });
      const result = job.result();
      for (let line = 1; line <= count; line += 1) {
        result.write(`line ${line} of ${count}\n`);
        await job.sleep(delayMs);
      }
      result.end(`${count} lines`);
    },
  }),

  defineAgent({
    name: 'fail',
    run() {
      throw new Error('this agent always fails');
    },
  }),
];

/** How much, and how fast: `{count?, delay_ms?}` of a demo agent's input. */
function pace(input: unknown, preset: { count: number; delayMs: number }): { count: number; delayMs: number } {
  const fields: { count?: unknown; delay_ms?: unknown } = typeof input === 'object' && input !== null ? input : {};
  return {
    count: natural('count', fields.count ?? preset.count),
    delayMs: natural('delay_ms', fields.delay_ms ?? preset.delayMs),
  };
}

function natural(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${name} must be a whole number of at least 0`);
}
