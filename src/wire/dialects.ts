// How the official SDKs' clients differ (§10), as data: by what a client is told, and what it needs. A row names what
// differs from `plain`; each difference in the shape of a frame is one function below. docs/interop.md says why.
import type { ClientFrameOf } from './messages.ts';

/** What `?dialect=` on the URL may name. */
export const dialectNames = ['plain', 'typescript', 'csharp', 'go', 'ruby', 'java', 'fsharp', 'python'] as const;
export type DialectName = (typeof dialectNames)[number];

/** The frame that tells a refused request. None is numbered; `session.error` and `job.error` have the request's id. */
export type RefusalForm =
  | 'session.error'
  | 'session.error with an id of its own'
  | 'job.error of a new job'
  | 'job.error of that job'
  | 'job.error of a job out of reach'
  | 'job.error without a job';

export interface Dialect {
  /** What `?dialect=` calls it; a client with bare ULIDs that names nothing has a dialect of its own. */
  readonly name: DialectName | 'ulid';
  /**
   * How a refused request is told, by its type, in this order; one that is not here, by `session.error`. What comes before the
   * welcome is a `session.hello`.
   */
  readonly refused: ReadonlyMap<string, readonly RefusalForm[]>;
  /** What follows a refused hello or resume: a client that hears of it by the socket's end alone has no second try. */
  readonly afterRefusedHello: 'try again' | 'close';
  /** What a resume says who has had no event: a cursor before all others. */
  readonly beforeFirst: number;
  /** Whether a delegated job's `job.accepted`, which answers no request, is sent: most take it for that of their oldest submit. */
  readonly acceptedOfChild: 'sent' | 'left out';
  /** Where `job.result` has the inline result, whose JSON text this is. */
  resultFields(result: string): readonly string[];
  /** The `trace_id` of an envelope: another client may have given a whole traceparent (§4). */
  trace(traceId: string): string;
  /** The payload of a reply. */
  reply(type: string, payload: Payload): Payload;
  /** The body of an event, before it is numbered. */
  event(kind: string, body: unknown): unknown;
  /** The payload of a terminal `job.error`, before it is numbered. */
  jobError(payload: Payload): Payload;
}

type Payload = Readonly<Record<string, unknown>>;
type FirstFrame = ClientFrameOf<'session.hello'> | ClientFrameOf<'session.resume'>;

const plain: Dialect = {
  name: 'plain',
  refused: new Map(),
  afterRefusedHello: 'try again',
  beforeFirst: 0,
  acceptedOfChild: 'sent',
  resultFields: () => ['result'],
  trace: (traceId) => traceId,
  reply: (_type, payload) => payload,
  event: (_kind, body) => body,
  jobError: (payload) => payload,
};

/** The dialects by name. */
export const dialects: Readonly<Record<Dialect['name'], Dialect>> = {
  plain,
  typescript: {
    ...plain,
    name: 'typescript',
    refused: new Map([
      ['job.submit', ['job.error of a new job']],
      ['job.cancel', ['job.error of that job']],
    ]),
    acceptedOfChild: 'left out',
    trace: bareTrace,
    reply: (type, payload) => (type === 'job.accepted' ? withBearers(payload) : payload),
    event: withoutNulls,
  },
  csharp: {
    ...plain,
    name: 'csharp',
    afterRefusedHello: 'close',
    acceptedOfChild: 'left out',
    reply: (type, payload) => (type === 'session.error' ? withDetail(payload) : payload),
    jobError: withDetail,
  },
  go: {
    ...plain,
    name: 'go',
    acceptedOfChild: 'left out',
    resultFields: whereGoLooks,
    event: (kind, body) => withRotation(kind, withChild(kind, inWholeNumbers(kind, body))),
  },
  ruby: { ...plain, name: 'ruby', trace: bareTrace, reply: flat },
  java: {
    ...plain,
    name: 'java',
    refused: new Map<string, RefusalForm[]>([
      ['session.hello', ['job.error without a job']],
      ['job.submit', ['job.error without a job']],
      ['job.cancel', ['job.error without a job']],
      ['session.list_jobs', ['job.error without a job']],
      ['job.subscribe', ['job.error of a job out of reach']],
    ]),
    afterRefusedHello: 'close',
    beforeFirst: -1,
    acceptedOfChild: 'left out',
    event: (kind, body) => withRotation(kind, withChild(kind, body)),
  },
  fsharp: {
    ...plain,
    name: 'fsharp',
    refused: new Map([['job.submit', ['job.error without a job']]]),
    event: withChild,
  },
  python: {
    ...plain,
    name: 'python',
    acceptedOfChild: 'left out',
    trace: bareTrace,
    reply: (type, payload) => (type === 'job.accepted' ? withAmounts(payload) : payload),
    jobError: asError,
  },
  // Java, F# or Python: a refused request in every form that one of them reads, and none that the others trip over.
  ulid: {
    ...plain,
    name: 'ulid',
    refused: new Map<string, RefusalForm[]>([
      ['session.hello', ['session.error', 'job.error without a job']],
      ['job.submit', ['job.error without a job', 'session.error with an id of its own']],
      ['job.cancel', ['job.error without a job', 'session.error with an id of its own']],
      ['session.list_jobs', ['job.error without a job', 'session.error with an id of its own']],
      ['job.subscribe', ['session.error', 'job.error of a job out of reach']],
    ]),
    afterRefusedHello: 'close',
    beforeFirst: -1,
    acceptedOfChild: 'left out',
    event: (kind, body) => withRotation(kind, withChild(kind, body)),
  },
};

/** Longest inline result that goes into one frame twice. */
const twiceBytesMax = 500_000;

const ulid = '[0-7][0-9A-HJKMNP-TV-Z]{25}';
const bareUlid = new RegExp(`^${ulid}$`);
const msgUlid = new RegExp(`^msg_${ulid}$`);
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** By what its first frame tells each client; the first row that holds is its dialect. */
const marks: readonly [Dialect['name'], (frame: FirstFrame) => boolean][] = [
  ['ruby', ({ payload }) => 'client_name' in payload || 'client_version' in payload],
  ['csharp', (frame) => msgUlid.test(frame.id) && 'timestamp' in frame],
  ['typescript', (frame) => msgUlid.test(frame.id)],
  ['go', (frame) => uuid7.test(frame.id) && frame.payload.client !== undefined],
  // Of the three with bare ULIDs, Python's alone lists agents of its own: none.
  ['python', ({ id, payload }) => bareUlid.test(id) && 'agents' in (payload.capabilities ?? {})],
  ['ulid', (frame) => bareUlid.test(frame.id)],
];

/** The dialect of a client that has not named one (§10). */
export function dialectOf(frame: FirstFrame): Dialect {
  const [name] = marks.find(([, isTold]) => isTold(frame)) ?? ['plain'];
  return dialects[name];
}

/** Whether a text is what `?dialect=` may say. */
export function isDialectName(text: unknown): text is DialectName {
  return dialectNames.some((name) => name === text);
}

/** TypeScript drops a frame whose trace is not 32 hex digits; Ruby and Python stop reading there. */
function bareTrace(traceId: string): string {
  return /[0-9a-f]{32}/.exec(traceId)?.[0] ?? traceId;
}

/** TypeScript reads a body by its kind's schema, in which an optional field is absent, never null. */
function withoutNulls(kind: string, body: unknown): unknown {
  if (kind.startsWith('x-vendor.') || !isRecord(body)) return body;
  // What a tool or an agent was given or has returned is theirs: null is a value there.
  const isOurs = (name: string) => !['args', 'result', 'input'].includes(name);
  const members = Object.entries(body);
  if (!members.some(([name, value]) => value === null && isOurs(name))) return body;
  return Object.fromEntries(members.filter(([name, value]) => value !== null || !isOurs(name)));
}

/** Go counts in whole numbers from 0; rounding outwards keeps `current` at most `total`. */
function inWholeNumbers(kind: string, body: unknown): unknown {
  if (kind !== 'progress' || !isRecord(body)) return body;
  const { current, total } = body;
  return {
    ...body,
    ...(typeof current === 'number' ? { current: Math.floor(current) } : {}),
    ...(typeof total === 'number' ? { total: Math.max(0, Math.ceil(total)) } : {}),
  };
}

/** Go reads `output`; a client taken for it reads `result`. Go drops the connection at a frame of more than 1 MiB, twice is too much. */
function whereGoLooks(result: string): readonly string[] {
  return Buffer.byteLength(result) > twiceBytesMax ? ['output'] : ['result', 'output'];
}

/** Go and Java have `details` for what a status says besides its phase and message. */
function withRotation(kind: string, body: unknown): unknown {
  if (kind !== 'status' || !isRecord(body) || body.phase !== 'credential_rotated') return body;
  const { phase: _phase, message: _message, ...details } = body;
  return { ...body, details };
}

/** Go, Java and F# find the job that work was delegated to in `child_job_id`; F# cannot do without its `lease`. */
function withChild(kind: string, body: unknown): unknown {
  if (kind !== 'delegate' || !isRecord(body)) return body;
  return { ...body, child_job_id: body.job_id, lease: body.lease_request ?? {} };
}

/** Python reads a budget's amounts as texts, as they are in the lease. */
function withAmounts(payload: Payload): Payload {
  if (!isRecord(payload.budget)) return payload;
  const amounts = Object.entries(payload.budget).map(([currency, amount]) => [currency, `${currency}:${amount}`]);
  return { ...payload, budget: Object.fromEntries(amounts) };
}

/** TypeScript takes an acceptance for none if a credential is no bearer token, or limits it under a name of its own in another form. */
function withBearers(payload: Payload): Payload {
  const { credentials } = payload;
  if (!Array.isArray(credentials)) return payload;
  const bearers = credentials.filter(isRecord).filter(({ scheme }) => scheme === 'bearer');
  return { ...payload, credentials: bearers.map(withLimits) };
}

function withLimits(credential: Payload): Payload {
  if (!isRecord(credential.constraints)) return credential;
  const read = Object.entries(credential.constraints).filter(
    ([name, limit]) => limitsOfTypeScript.get(name)?.(limit) ?? true,
  );
  return { ...credential, constraints: Object.fromEntries(read) };
}

/** The constraints that TypeScript has a form for. */
const limitsOfTypeScript = new Map<string, (limit: unknown) => boolean>([
  ['expires_at', isFilled],
  ['allowed_models', (limit) => Array.isArray(limit) && limit.every(isFilled)],
  ['max_spend', (limit) => isRecord(limit) && isFilled(limit.currency) && isAmount(limit.amount)],
]);

/** C# reads `detail`, a text, where the protocol has `details`. */
function withDetail(payload: Payload): Payload {
  const { details, message } = payload;
  return { ...payload, detail: details === undefined ? message : JSON.stringify(details) };
}

/** Ruby reads the runtime's name flat, and a lease that has an id, a time and the names of what it grants. */
function flat(type: string, payload: Payload): Payload {
  const { runtime, lease, job_id, accepted_at } = payload;
  if (type === 'session.welcome' && isRecord(runtime)) {
    return { ...payload, runtime_name: runtime.name, runtime_version: runtime.version };
  }
  if (type !== 'job.accepted' || !isRecord(lease)) return payload;
  const granted = { ...lease, id: job_id, issued_at: accepted_at, capabilities: Object.keys(lease) };
  return { ...payload, lease: granted };
}

/** Python knows one final status of a `job.error`, and stops reading at another; the code tells which end it was. */
function asError(payload: Payload): Payload {
  return { ...payload, final_status: 'error' };
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0;
}

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
