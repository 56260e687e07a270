import { defineAgent } from '../jobs/agents.ts';
import { ArcpError } from '../wire/errors.ts';
import { trafficMachine } from './demo-traffic.ts';
import { pace } from './pace.ts';

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

  // With a store that lasts, its jobs go on where they were when the server was killed.
  defineAgent({ name: 'traffic', machine: trafficMachine }),

  // What a lease is for: it searches as long as its lease and its budget let it.
  defineAgent({
    name: 'research',
    async run(job) {
      const { count, delayMs } = pace(job.input, { count: 3, delayMs: 100 });
      const found: string[] = [];
      try {
        for (let page = 1; page <= count; page += 1) {
          found.push(await job.tool('search.web', { page }, (args) => `page ${args.page}`));
          job.metric({ name: 'cost.search', value: 0.4, unit: 'USD' });
          await job.sleep(delayMs);
        }
      } catch (error) {
        if (!(error instanceof ArcpError) || job.signal.aborted) throw error;
        return { found, stopped: error.code };
      }
      return { found };
    },
  }),

  defineAgent({
    name: 'fail',
    run() {
      throw new Error('this agent always fails');
    },
  }),
];
