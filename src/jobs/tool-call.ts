import { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { Job } from './job.ts';

export interface ToolCall<Args, Result> {
  name: string;
  args: Args;
  fn(args: Args): Result | Promise<Result>;
}

/**
 * One call of a tool (§8, §9.3): told as `tool_call`, checked against the lease, run, told as `tool_result`. Rejects with what
 * the lease refused, and then the tool was not run, or with what the tool threw, of which the wire is told nothing but
 * that it failed.
 */
export async function callTool<Args, Result>(
  job: Job,
  { name, args, fn }: ToolCall<Args, Result>,
): Promise<Awaited<Result>> {
  const call_id = mintId('call');
  job.emit('tool_call', { tool: name, args: args === undefined ? null : args, call_id });
  const trace = job.trace?.tool({ tool: name, callId: call_id });
  try {
    job.check('tool.call', name);
    const result = await (trace ? trace.run(() => fn(args)) : fn(args));
    job.emit('tool_result', { call_id, result });
    trace?.end({ status: 'success' });
    return result;
  } catch (error) {
    const { code, message, retryable } = job.refusals.has(Object(error)) ? refusal(error) : toolFailed;
    job.emit('tool_result', { call_id, error: { code, message, retryable } });
    trace?.end({ status: 'error', code });
    job.heed(error);
    throw error;
  }
}

const toolFailed = new ArcpError('INTERNAL_ERROR', 'the tool failed');

function refusal(error: unknown): ArcpError {
  return error instanceof ArcpError ? error : toolFailed;
}
