import { type RecordKind, type Recovered, recordKinds, type StoredRecord } from '../store.ts';
import type { Driver, Row } from './driver.ts';
import { nameOf } from './keys.ts';
import type { StoredLog } from './log-table.ts';

/** All that a file holds but frames. Reads each record once, and of each log one row. */
export function recover(driver: Driver): Omit<Recovered, 'logs'> & { logs: Map<string, StoredLog> } {
  const all = (sql: string): Row[] => driver.prepare(sql).all();
  const meta = new Map(all('SELECT name, value FROM meta').map((row) => [row.name, row.value]));
  const logs = all(
    `SELECT log, name, trimmed_seq,
       (SELECT last_seq FROM frames WHERE frames.log = logs.log ORDER BY first_seq DESC LIMIT 1) AS newest_seq
     FROM logs`,
  );
  return {
    epoch: Number(meta.get('epoch')),
    uptimeMs: Number(meta.get('uptime_ms')),
    records: all('SELECT kind, id, version, body FROM records').map(recordOf),
    logs: new Map(logs.map((row) => [nameOf(String(row.name)), logOf(row)])),
  };
}

function recordOf(row: Row): StoredRecord {
  return { kind: kindOf(row.kind), id: nameOf(String(row.id)), body: String(row.body), version: Number(row.version) };
}

function kindOf(kind: unknown): RecordKind {
  const known = recordKinds.find((one) => one === kind);
  if (known === undefined) throw new Error(`It holds records of a kind this arcp-xstate does not know: ${kind}.`);
  return known;
}

function logOf(row: Row): StoredLog {
  const trimmedSeq = Number(row.trimmed_seq);
  return { number: Number(row.log), trimmedSeq, newestSeq: Number(row.newest_seq ?? trimmedSeq) };
}
