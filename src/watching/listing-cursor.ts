import { createHash } from 'node:crypto';
import { ArcpError } from '../wire/errors.ts';
import type { JobFilter } from '../wire/listing-messages.ts';

/** Where a listing goes on: behind which job, whose listing it is, and of which jobs. */
export interface ListingPosition {
  principal: string;
  filter: JobFilter;
  before: string;
}

const sealChars = 16;

/**
 * The position as opaque text. It says all by itself, so that the runtime keeps nothing for it, and gives nobody anything: what
 * it leads to is what its holder may see anyway. The seal tells a cursor of ours from one that was made up, cut, or mixed up.
 */
export function sealCursor({ principal, filter, before }: ListingPosition): string {
  const text = JSON.stringify([before, normal(filter)]);
  return `${Buffer.from(text).toString('base64url')}.${seal(text, principal)}`;
}

/** Reads a cursor again; `INVALID_REQUEST` for anything but one of ours, of this principal. */
export function openCursor(cursor: string, principal: string): Omit<ListingPosition, 'principal'> {
  const [encoded = '', sealed, ...rest] = cursor.split('.');
  const text = Buffer.from(encoded, 'base64url').toString();
  if (sealed !== seal(text, principal) || rest.length > 0 || Buffer.from(text).toString('base64url') !== encoded) {
    throw new ArcpError('INVALID_REQUEST', 'the cursor is not one that a listing of yours was given');
  }
  const [before, filter] = JSON.parse(text) as [string, JobFilter];
  return { before, filter };
}

export function sameFilter(one: JobFilter, other: JobFilter): boolean {
  return JSON.stringify(normal(one)) === JSON.stringify(normal(other));
}

/** One filter, one spelling: conditions that are not there are left out, whether absent or null. */
function normal({ status, agent, created_after, created_before }: JobFilter): JobFilter {
  return {
    ...(status && status.length > 0 ? { status: [...new Set(status)].sort() } : {}),
    ...(agent ? { agent } : {}),
    ...(created_after ? { created_after } : {}),
    ...(created_before ? { created_before } : {}),
  };
}

function seal(text: string, principal: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['arcp listing cursor 1', principal, text]))
    .digest('base64url')
    .slice(0, sealChars);
}
