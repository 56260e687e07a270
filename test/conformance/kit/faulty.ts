import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { demoAgents } from '../../../src/cli/demo-agents.ts';
import { bearer, createRuntime } from '../../../src/index.ts';
import { memoryPair } from '../../../src/transports/memory.ts';
import { recordingLog, tokens } from '../../support/runtime.ts';

/** A frame on its way through the faulty server. */
interface Passing {
  type: string;
  id: string;
  event_seq?: number;
  job_id?: string;
  payload: {
    auth?: { scheme: string; token: string };
    resume_token?: string;
    last_event_seq?: number;
    session_id?: string;
    agent?: string;
    [field: string]: unknown;
  };
}

/** One connection, as a fault sees it. */
interface Passage {
  /** What the whole server remembers, whichever the connection. */
  memory: Map<string, string>;
  toRuntime(frame: object): void;
  toClient(frame: object): void;
  jobs: string[];
  sessionId: string;
  isResumed: boolean;
}

/** What a server does wrong: frames changed on their way, or left out (undefined). */
export interface Fault {
  fromClient?: (frame: Passing, passage: Passage) => Passing | undefined;
  fromRuntime?: (frame: Passing, passage: Passage) => Passing | undefined;
  onDrop?: (passage: Passage, code: number) => void;
}

const bye = { arcp: '1.1', id: 'fault-bye', type: 'session.bye', payload: {} };

/** Servers that are broken, each in one way. */
export const faults = {
  'does not look at whose resume token it is': {
    fromClient: (frame) =>
      frame.payload.resume_token ? withPayload(frame, { auth: { scheme: 'bearer', token: tokens.alice } }) : frame,
  },
  'lets every old token in': {
    fromClient(frame, { memory }) {
      const session = memory.get(`session of ${frame.payload.resume_token}`);
      const newest = session && memory.get(`token of ${session}`);
      return newest ? withPayload(frame, { resume_token: newest }) : frame;
    },
    fromRuntime(frame, { memory }) {
      const { resume_token, session_id } = frame.payload;
      if (frame.type !== 'session.welcome') return frame;
      memory.set(`session of ${resume_token}`, String(session_id));
      memory.set(`token of ${session_id}`, String(resume_token));
      return frame;
    },
  },
  'refuses a client that has missed nothing': {
    fromClient(frame, passage) {
      const { resume_token, last_event_seq = 0 } = frame.payload;
      const newest = passage.memory.get(`newest of ${passage.memory.get(`session of ${resume_token}`)}`);
      if (newest === undefined || last_event_seq < Number(newest)) return frame;
      const payload = { code: 'RESUME_WINDOW_EXPIRED', message: 'nothing to replay', retryable: false };
      passage.toClient({
        arcp: '1.1',
        id: frame.id,
        type: 'session.error',
        payload: { ...payload, request_id: frame.id },
      });
      return undefined;
    },
    fromRuntime(frame, { memory, sessionId }) {
      if (frame.type === 'session.welcome') {
        memory.set(`session of ${frame.payload.resume_token}`, String(frame.payload.session_id));
      }
      if (frame.event_seq !== undefined) memory.set(`newest of ${sessionId}`, String(frame.event_seq));
      return frame;
    },
  },
  'loses an event in the replay': {
    fromRuntime: (frame, { isResumed }) => (isResumed && frame.event_seq === 5 ? undefined : frame),
  },
  'replays with a new time': {
    fromRuntime: (frame, { isResumed }) =>
      isResumed && frame.event_seq !== undefined ? withPayload(frame, { ts: 'now', completed_at: 'now' }) : frame,
  },
  'sends the last event twice after a resume': {
    fromRuntime(frame, passage) {
      if (passage.isResumed && frame.event_seq !== undefined) passage.toClient(frame);
      return frame;
    },
  },
  'cancels the jobs of a connection that drops': {
    onDrop: ({ jobs, toRuntime }) => {
      for (const job_id of jobs) {
        toRuntime({ arcp: '1.1', id: `fault-${job_id}`, type: 'job.cancel', payload: { job_id } });
      }
    },
  },
  'takes close code 1000 for a goodbye': {
    onDrop: ({ toRuntime }, code) => {
      if (code === 1000) toRuntime(bye);
    },
  },
  'leaves a session resumable after its bye': {
    fromClient: (frame) => (frame.type === 'session.bye' ? { ...frame, type: 'session.close' } : frame),
  },
  'numbers its pongs': {
    fromRuntime: (frame) => (frame.type === 'session.pong' ? { ...frame, event_seq: 1 } : frame),
  },
  'has an error code of its own': {
    fromRuntime: (frame) =>
      frame.payload.code === 'JOB_NOT_FOUND' ? withPayload(frame, { code: 'NO_SUCH_JOB' }) : frame,
  },
} satisfies Record<string, Fault>;

/** A runtime behind a server that breaks what passes. It ends with the test. */
export async function faultyServer(fault: Fault): Promise<string> {
  const runtime = createRuntime({
    agents: demoAgents,
    authenticate: bearer({ [tokens.alice]: 'alice', [tokens.bob]: 'bob' }),
    log: recordingLog(),
    handshakeTimeoutSec: 1,
  });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const memory = new Map<string, string>();
  server.on('connection', (socket) => {
    const [ours, theirs] = memoryPair();
    runtime.accept(theirs);
    pass(socket, { fault, memory, runtime: ours });
  });
  onTestFinished(async () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
    await runtime.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `ws://127.0.0.1:${address.port}/arcp`;
}

function pass(
  socket: WebSocket,
  { fault, memory, runtime }: { fault: Fault; memory: Map<string, string>; runtime: ReturnType<typeof memoryPair>[0] },
): void {
  const passage: Passage = {
    memory,
    jobs: [],
    sessionId: '',
    isResumed: false,
    toRuntime: (frame) => runtime.send(JSON.stringify(frame)),
    toClient: (frame) => socket.send(JSON.stringify(frame)),
  };
  socket.on('message', (data) => {
    const text = String(data);
    const frame = read(text);
    if (!frame) return runtime.send(text);
    if (frame.payload.resume_token !== undefined) passage.isResumed = true;
    const passed = fault.fromClient ? fault.fromClient(frame, passage) : frame;
    if (passed === frame) runtime.send(text);
    else if (passed) passage.toRuntime(passed);
  });
  runtime.onMessage((data) => {
    const text = String(data);
    const frame = read(text);
    if (!frame) return socket.send(text);
    if (frame.type === 'session.welcome') passage.sessionId = String(frame.payload.session_id);
    if (frame.type === 'job.accepted') passage.jobs.push(String(frame.payload.job_id));
    const passed = fault.fromRuntime ? fault.fromRuntime(frame, passage) : frame;
    if (passed === frame) socket.send(text);
    else if (passed) passage.toClient(passed);
  });
  runtime.onClose((code) => (code === 1005 || code === 1006 ? socket.terminate() : socket.close(code)));
  socket.on('close', (code) => {
    fault.onDrop?.(passage, code);
    // What the fault has sent is read before the end of the connection.
    setImmediate(() => runtime.close(1006));
  });
}

function withPayload(frame: Passing, fields: object): Passing {
  return { ...frame, payload: { ...frame.payload, ...fields } };
}

function read(text: string): Passing | undefined {
  try {
    const frame: Passing = JSON.parse(text);
    return typeof frame.payload === 'object' && frame.payload !== null ? frame : undefined;
  } catch {
    return undefined;
  }
}
