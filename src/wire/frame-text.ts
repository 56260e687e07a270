import { mintId } from './ids.ts';
import { protocolVersion, type SequencedType } from './messages.ts';

// A sequenced frame is written as text, once, around the number that its session's log gives it: a replay is byte-equal by
// construction, and nothing is parsed to be sent again.

const typeMark = '"type":"';
const payloadMark = ',"payload":';

/** What all frames of one job in one session have in their envelope, as JSON members: written once. */
export function envelopeText(envelope: { session_id: string; job_id: string; trace_id?: string | undefined }): string {
  return JSON.stringify(envelope).slice(1, -1);
}

/** A frame's text up to its number. */
export function frameHead(type: SequencedType, envelope: string): string {
  return `{"arcp":"${protocolVersion}","id":"${mintId('msg')}","type":"${type}",${envelope},"event_seq":`;
}

/** A frame's text behind its number. */
export function frameTail(payload: string): string {
  return `${payloadMark}${payload}}`;
}

/** A frame of ours taken apart again. In an envelope every quote within a string is escaped, so that the marks are unique. */
export function partsOf(frame: string): { type: SequencedType; payload: string } {
  const at = frame.indexOf(typeMark) + typeMark.length;
  const type = frame.startsWith('job.event"', at)
    ? 'job.event'
    : frame.startsWith('job.result"', at)
      ? 'job.result'
      : 'job.error';
  return { type, payload: frame.slice(frame.indexOf(payloadMark) + payloadMark.length, -1) };
}
