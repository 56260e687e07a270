import type { JobEvent } from '../client.ts';

/** An event in a few words. */
export function textOf(event: JobEvent): string {
  switch (event.kind) {
    case 'log':
      return `${event.body.level}: ${event.body.message}`;
    case 'thought':
      return `thought: ${event.body.text}`;
    case 'status':
      return `status: ${event.body.phase}${event.body.message === undefined ? '' : `, ${event.body.message}`}`;
    case 'metric':
      return `metric: ${event.body.name} ${event.body.value} ${event.body.unit ?? ''}`;
    case 'artifact_ref':
      return `artifact: ${event.body.uri} (${event.body.content_type})`;
    case 'tool_call':
      return `tool call: ${event.body.tool} ${JSON.stringify(event.body.args)}`;
    case 'tool_result':
      return `tool result: ${JSON.stringify(event.body.error ?? event.body.result)}`;
    default:
      return `${event.kind}: ${JSON.stringify(event.body)}`;
  }
}

/** What agents write must not steer the terminal. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trimEnd();
}
