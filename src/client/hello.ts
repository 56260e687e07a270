import { mintId } from '../wire/ids.ts';
import type { HelloPayload } from '../wire/messages.ts';
import { frameText } from './attachment.ts';
import type { ClientSettings, Ticket } from './options.ts';

/** The first frame of a connection (§6.1): opens a session, or resumes the one of `ticket` (§6.3). */
export function helloText({ client, token, features }: ClientSettings, ticket: Ticket | undefined): string {
  const payload: HelloPayload = {
    client,
    auth: { scheme: 'bearer', token },
    capabilities: { encodings: ['json'], features: [...features] },
  };
  if (ticket) {
    const cursor = { resume_token: ticket.resumeToken, last_event_seq: ticket.lastEventSeq };
    // Both spellings, so that every SDK's runtime understands one of them.
    Object.assign(payload, { resume: { session_id: ticket.sessionId, ...cursor }, ...cursor });
  }
  return frameText('session.hello', payload, { id: mintId('req') });
}
