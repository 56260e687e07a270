import type { Frame } from '../support/peer.ts';

/** A frame, or undefined where the text is none. */
export function parsed(text: string): Frame | undefined {
  try {
    const frame: Frame = JSON.parse(text);
    return typeof frame?.type === 'string' && frame.arcp === '1.1' ? frame : undefined;
  } catch {
    return undefined;
  }
}

/** What an answer says, in a few words: its type, for a refusal its code and reason, for a goodbye what is to come. */
export function summary({ type, payload }: Frame): string {
  if (type === 'session.bye') return [type, payload.reason, ...(payload.resumable ? ['resumable'] : [])].join(' ');
  if (type !== 'session.error') return type;
  const reason = payload.details?.reason;
  return [type, payload.code, ...(reason === undefined ? [] : [reason])].join(' ');
}
