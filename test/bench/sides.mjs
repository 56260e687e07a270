// The two things compared, behind one shape: our runtime, and a plain `ws` loop that writes the same bytes.

import { ServerProcess } from './control.mjs';
import { Counter } from './counter.mjs';

const auth = { scheme: 'bearer', token: 'tok-bench' };
let requests = 0;
function frame(type, payload) {
  requests += 1;
  return { arcp: '1.1', id: `req_${requests}`, type, payload };
}
const hello = () =>
  frame('session.hello', { client: { name: 'bench', version: '1' }, auth, capabilities: { encodings: ['json'] } });

// tidy: one object of measurements over one scope
export async function startOurs(nodeOptions) {
  const server = await ServerProcess.start('./ours.mjs', nodeOptions);

  async function openSession() {
    const counter = await Counter.open(server.url);
    const welcome = await counter.ask(hello());
    const { type, payload } = JSON.parse(welcome);
    if (type !== 'session.welcome') throw new Error(`refused: ${welcome}`);
    return { counter, welcome, resumeToken: payload.resume_token };
  }

  /** A session with a job that will emit `count` events, and a terminal, once told `go`. */
  async function openJob(count, { agent = 'emitter', input = { count } } = {}) {
    const session = await openSession();
    const { counter } = session;
    const accepted = JSON.parse(await counter.ask(frame('job.submit', { agent, input })));
    if (accepted.type !== 'job.accepted') throw new Error(`refused: ${JSON.stringify(accepted)}`);
    return session;
  }

  return {
    name: 'ours',
    server,
    connect: async () => (await openSession()).counter,
    stream: async (count) => (await openJob(count)).counter,
    steady: async (input) => (await openJob(0, { agent: 'steady', input })).counter,
    leave: async (counter) => {
      counter.send(frame('session.bye', {}));
      await counter.drop();
    },
    /** A connection, and the frame that makes `count` missed events and their terminal come. */
    async missed(count) {
      const { counter, resumeToken } = await openJob(count);
      await counter.drop();
      const emitted = server.told('emitted');
      await server.ask('go');
      await emitted;
      const again = await Counter.open(server.url);
      return {
        counter: again,
        request: frame('session.resume', { auth, resume_token: resumeToken, last_event_seq: 0 }),
      };
    },
    /** The welcome and the sequenced frames of one job: what the plain loop will write. */
    async record(count) {
      const { counter, welcome } = await openJob(count);
      const recorded = counter.record(count + 1);
      await server.ask('go');
      const frames = await recorded;
      await this.leave(counter);
      return { welcome, frames };
    },
  };
}

export async function startPlain(recording, nodeOptions) {
  const server = await ServerProcess.start('./plain.mjs', nodeOptions);
  await server.ask('recorded', recording);
  const open = async (request) => {
    const counter = await Counter.open(server.url);
    await counter.ask(request);
    return counter;
  };
  return {
    name: 'plain ws',
    server,
    connect: () => open({}),
    stream: (count) => open({ count: count + 1, at: 'go' }),
    leave: (counter) => counter.drop(),
    missed: async (count) => ({ counter: await Counter.open(server.url), request: { count: count + 1, at: 'once' } }),
  };
}
