import type { SimClient } from './client.ts';
import type { Link } from './link.ts';
import type { Lots } from './lots.ts';

/** A submit. Few keys and few inputs: most are used again, by whoever has the same name, and not always for the same. */
export function drawSubmit(lots: Lots, wallMs: number): object {
  const limit = lots.oneIn(5) ? { max_runtime_sec: 15 } : {};
  const agent = lots.pick(['sim', 'again']);
  if (lots.oneIn(2)) return { agent, ...limit, ...drawLease(lots, wallMs) };
  const parts = [
    ['of', lots.oneIn(4) ? 1 : 0],
    ['in', 'any order'],
  ];
  const input = Object.fromEntries(lots.oneIn(2) ? parts : parts.reverse());
  return { agent, input, idempotency_key: `key-${lots.below(3)}`, ...limit, ...(lots.oneIn(2) ? keyedLease : {}) };
}

const words = [
  'ack',
  'ack',
  'ack',
  'bad ack',
  'cancel',
  'cancel',
  'ping',
  'list',
  'watch',
  'unwatch',
  'nonsense',
  'hello',
  'close',
  'bye',
] as const;

const keyedLease = { lease_request: { 'tool.call': ['search.*'], 'agent.delegate': ['sim'] } };

function drawLease(lots: Lots, wallMs: number): object {
  if (lots.oneIn(4)) return {};
  const lease_request = {
    'tool.call': lots.pick([['search.*'], ['search.*', 'write'], ['search.web']]),
    ...(lots.oneIn(3) ? {} : { 'agent.delegate': lots.pick([['*'], ['sim']]) }),
    ...(lots.oneIn(2) ? { 'cost.budget': lots.pick([['USD:1.00'], ['USD:0.40'], ['USD:0']]) } : {}),
  };
  const expires_at = new Date(wallMs + lots.pick([12_000, 40_000])).toISOString();
  return { lease_request, ...(lots.oneIn(5) ? { lease_constraints: { expires_at } } : {}) };
}

interface Said {
  lots: Lots;
  /** A job to cancel, or to watch. */
  jobId: string;
}

/** Says one of the things that a client may, or should not, and returns which. */
export function say(client: SimClient, link: Link, { lots, jobId }: Said): string {
  const what = lots.pick(words);
  const { newestSeq } = client;
  if (what === 'ack') client.send(link, 'session.ack', { last_processed_seq: newestSeq - lots.below(4) });
  else if (what === 'bad ack') client.send(link, 'session.ack', { last_processed_seq: newestSeq + lots.below(9) });
  else if (what === 'cancel') client.send(link, 'job.cancel', { job_id: jobId });
  else if (what === 'list') client.send(link, 'session.list_jobs', drawList(lots));
  else if (what === 'watch') client.send(link, 'job.subscribe', { job_id: jobId });
  else if (what === 'unwatch') client.send(link, 'job.unsubscribe', { job_id: jobId });
  else if (what === 'ping') client.send(link, 'session.ping', {});
  else if (what === 'nonsense') link.client.send(lots.pick(['{', '[]', '{"arcp":"1.1"}', '{"arcp":"2","type":"x"}']));
  else if (what === 'hello') client.send(link, 'session.hello', { auth: { scheme: 'bearer', token: 'somebody/1' } });
  else if (what === 'close') client.send(link, 'session.close', {});
  else {
    client.fate = 'parted';
    client.send(link, 'session.bye', {});
  }
  return what;
}

function drawList(lots: Lots): object {
  return {
    ...(lots.oneIn(2) ? { filter: { status: lots.pick([['running'], ['success', 'error'], ['cancelled']]) } } : {}),
    ...(lots.oneIn(2) ? { limit: 1 + lots.below(3) } : {}),
  };
}

export function drawWatch(lots: Lots, newestSeq: number): object {
  return lots.pick([{ history: true }, { history: true }, {}, { from_event_seq: lots.below(newestSeq + 2) }]);
}
