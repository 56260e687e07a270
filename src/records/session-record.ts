import type { Session, SessionToken } from '../session.ts';
import { dialects } from '../wire/dialects.ts';
import type { SessionRecord, TokenRecord } from './records.ts';

/** A session as the next process is to find it. */
export function sessionRecord(
  { principal, features, dialect, tokens, ackedSeq, log }: Session,
  { state, untilMs }: { state: SessionRecord['state']; untilMs: number },
): SessionRecord {
  const all = [tokens?.current, tokens?.previous].filter((token) => token !== undefined);
  return {
    principal,
    features: [...features],
    dialect: dialect.name,
    tokens: all.map(tokenRecord),
    state,
    ...(state === 'detached' ? { untilMs } : {}),
    ackedSeq,
    trimmedSeq: log.oldestSeq - 1,
  };
}

/** Gives a session back what it owned. A token issued since the last start is fenced in by what is left of the log. */
export function restoreSession(session: Session, record: SessionRecord): void {
  session.principal = record.principal;
  session.features = new Set(record.features);
  session.dialect = dialects[record.dialect] ?? dialects.plain;
  const { oldestSeq, newestSeq } = session.log;
  session.ackedSeq = Math.min(Math.max(record.ackedSeq, oldestSeq - 1), newestSeq);
  const [current, previous] = record.tokens.map(({ hash, fenceSeq = newestSeq }) => ({
    hash: Buffer.from(hash, 'base64'),
    fenceSeq,
  }));
  if (current) session.tokens = { current, previous };
}

function tokenRecord({ hash, fenceSeq }: SessionToken): TokenRecord {
  return { hash: hash.toString('base64'), ...(Number.isFinite(fenceSeq) ? { fenceSeq } : {}) };
}
