import { type Dialect, dialects } from './dialects.ts';
import type { EventPayload, SequencedType } from './messages.ts';

/** The payload of a sequenced frame, which is plain, as a client with this dialect reads it (§10). */
export function inDialect(dialect: Dialect, type: SequencedType, payload: string): string {
  const { plain } = dialects;
  if (dialect === plain) return payload;
  if (type === 'job.event') return dialect.event === plain.event ? payload : event(dialect, payload);
  if (type === 'job.error') return dialect.jobError === plain.jobError ? payload : jobError(dialect, payload);
  return dialect.resultFields === plain.resultFields ? payload : jobResult(dialect, payload);
}

function event(dialect: Dialect, payload: string): string {
  const told = JSON.parse(payload) as EventPayload;
  return JSON.stringify({ ...told, body: dialect.event(told.kind, told.body) });
}

function jobError(dialect: Dialect, payload: string): string {
  return JSON.stringify(dialect.jobError(JSON.parse(payload) as Record<string, unknown>));
}

function jobResult(dialect: Dialect, payload: string): string {
  const { result, ...ended } = JSON.parse(payload) as Record<string, unknown>;
  if (result === undefined) return payload;
  const names = dialect.resultFields(JSON.stringify(result));
  return JSON.stringify({ ...ended, ...Object.fromEntries(names.map((name) => [name, result])) });
}
