// What embedders import from 'arcp-xstate/metrics'. It needs `prom-client`, an optional peer.
import { Counter, Gauge, type Registry, register } from 'prom-client';
import type { RuntimeStats } from './observe/stats.ts';
import type { Runtime } from './runtime.ts';

interface Metric {
  name: string;
  help: string;
  /** A counter only rises, as long as the process lives. */
  kind: 'gauge' | 'counter';
  /** The label under which `read` tells several numbers. */
  label?: string;
  read(stats: RuntimeStats): number | Readonly<Record<string, number>>;
}

/** Every metric there is; docs/observability.md lists them. */
const metrics: readonly Metric[] = [
  gauge('arcp_sessions', 'Sessions, by state.', ({ sessions }) => sessions, 'state'),
  gauge('arcp_sockets', 'Open connections.', ({ sockets }) => sockets),
  counter('arcp_resumes_total', 'Resumes, by what became of them.', ({ resumes }) => resumes, 'outcome'),
  counter('arcp_replayed_events_total', 'Events sent again to clients that resumed.', (stats) => stats.replayedEvents),
  counter('arcp_job_events_total', 'Events and ends of jobs that were numbered.', ({ jobEvents }) => jobEvents),
  gauge('arcp_lag_events', 'Events connected clients are behind, together.', ({ lagEvents }) => lagEvents.total),
  gauge('arcp_lag_events_max', 'Events the slowest connected client is behind.', ({ lagEvents }) => lagEvents.max),
  gauge('arcp_buffered_events', 'Events kept for clients.', ({ buffered }) => buffered.events),
  gauge('arcp_buffered_bytes', 'The same in bytes.', ({ buffered }) => buffered.bytes),
  gauge('arcp_jobs_running', 'Jobs whose end is not written.', ({ jobs }) => jobs.running),
  counter('arcp_jobs_accepted_total', 'Jobs accepted.', ({ jobs }) => jobs.accepted),
  counter('arcp_jobs_ended_total', 'Jobs ended, by final status.', ({ jobs }) => jobs.ended, 'status'),
  gauge('arcp_credentials', 'Credentials that may be live upstream.', ({ credentials }) => credentials.outstanding),
  gauge('arcp_credentials_unrevoked', 'Those whose revocation is under way.', (stats) => stats.credentials.unrevoked),
  gauge('arcp_store_uncommitted', 'Changes the store has yet to commit.', ({ store }) => store.uncommitted),
  gauge('arcp_store_trouble', '1 while the store cannot write, by reason.', trouble, 'reason'),
];

/**
 * Adds a runtime's metrics to a registry of `prom-client` (its default one, unless told). They are read when the registry is
 * scraped. A registry takes one runtime; of several, each needs its own (`Registry.merge` joins them). Returns the way to
 * take them out again.
 */
export function prometheus(runtime: Runtime, registry: Registry = register): () => void {
  let stats: RuntimeStats | undefined;
  // One look serves all metrics of a scrape.
  const look = (): RuntimeStats => {
    if (!stats) {
      stats = runtime.stats();
      setImmediate(() => {
        stats = undefined;
      });
    }
    return stats;
  };
  for (const { name, help, kind, label, read } of metrics) {
    const options = { name, help, registers: [registry], labelNames: label === undefined ? [] : [label] };
    const labelled = () =>
      Object.entries(spread(read(look()))).map(([value, count]) => [labelOf(label, value), count] as const);
    if (kind === 'gauge') {
      new Gauge({
        ...options,
        collect() {
          for (const [labels, value] of labelled()) this.set(labels, value);
        },
      });
    } else {
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const [labels, value] of labelled()) this.inc(labels, value);
        },
      });
    }
  }
  return () => {
    for (const { name } of metrics) registry.removeSingleMetric(name);
  };
}

function trouble({ store }: RuntimeStats): Record<string, number> {
  const reasons = { full: 0, failing: 0, fenced: 0 };
  return store.trouble ? { ...reasons, [store.trouble]: 1 } : reasons;
}

function spread(value: number | Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return typeof value === 'number' ? { '': value } : value;
}

function labelOf(label: string | undefined, value: string): Record<string, string> {
  return label === undefined ? {} : { [label]: value };
}

// biome-ignore lint/complexity/useMaxParams: a row of a table
function gauge(name: string, help: string, read: Metric['read'], label?: string): Metric {
  return { name, help, kind: 'gauge', read, ...(label === undefined ? {} : { label }) };
}

// biome-ignore lint/complexity/useMaxParams: a row of a table
function counter(name: string, help: string, read: Metric['read'], label?: string): Metric {
  return { ...gauge(name, help, read, label), kind: 'counter' };
}
