// An agent that is an XState machine: it asks a source that is busy at first, waits, and asks again.
//
//   node docs/examples/machine-agent.js [PORT]      serves, lets a client order one report, and goes on serving until Ctrl-C
import { pathToFileURL } from 'node:url';
import { bearer, createRuntime, defineAgent, jobOf } from 'arcp-xstate';
import { connect } from 'arcp-xstate/client';
import { assign, emit, fromPromise, setup } from 'xstate';

const reportMachine = setup({
  actors: {
    // The job is asked for where it is needed: a context or an input holds only what can be kept.
    gather: fromPromise(async ({ input, self }) => {
      const job = jobOf(self);
      await job.sleep(20); // ends early, throwing, when the job is cancelled
      if (input.attempt < 2) throw new Error('the source is busy');
      job.log('info', `gathered for ${job.principal}`);
      return { rows: input.attempt * 10 };
    }),
  },
  guards: { mayRetry: ({ context }) => context.attempt < 3 },
  actions: {
    fail: () => {
      throw new Error('the source stayed busy'); // ends the job with INTERNAL_ERROR
    },
  },
}).createMachine({
  context: ({ input }) => ({ topic: input.topic, attempt: 0, rows: 0 }),
  output: ({ context }) => ({ topic: context.topic, rows: context.rows }), // the job's result
  initial: 'gathering',
  states: {
    gathering: {
      entry: [
        assign({ attempt: ({ context }) => context.attempt + 1 }),
        emit(({ context }) => ({ type: 'status', phase: 'gathering', message: `attempt ${context.attempt}` })),
      ],
      invoke: {
        src: 'gather',
        input: ({ context }) => ({ attempt: context.attempt }),
        onDone: { target: 'written', actions: assign({ rows: ({ event }) => event.output.rows }) },
        onError: [{ guard: 'mayRetry', target: 'waiting' }, { target: 'refused' }],
      },
      on: { 'job.cancel': 'cancelled' },
    },
    waiting: {
      after: { 50: 'gathering' }, // ends when it would have, also when the process died meanwhile
      on: { 'job.cancel': 'cancelled' },
    },
    written: { type: 'final', entry: emit({ type: 'progress', current: 1, total: 1 }) },
    refused: { entry: 'fail' },
    cancelled: { type: 'final' },
  },
});

export const report = defineAgent({ name: 'report', version: '1.0.0', machine: reportMachine });

export async function start({ port = 7420 } = {}) {
  const runtime = createRuntime({ agents: [report], authenticate: bearer({ 'tok-alice': 'alice' }) });
  const { url } = await runtime.listen({ port });
  return { url, close: () => runtime.close() };
}

/** Orders one report, shows its events as they come, and returns the result. */
export async function order(url, topic, show = console.log) {
  const client = await connect(url, { token: 'tok-alice' });
  const job = await client.submit('report', { topic });
  for await (const event of job) show(`${event.kind} ${JSON.stringify(event.body)}`);
  const result = await job.result();
  await client.bye();
  return result;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url, close } = await start({ port: Number(process.argv[2] ?? 7420) });
  console.log(`listening on ${url}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, close);
  console.log('result:', JSON.stringify(await order(url, 'rivers')));
}
