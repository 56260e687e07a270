import { tokens } from '../../../support/runtime.ts';
import { type Cable, cableTo } from '../../../transports/cable.ts';
import { stage } from '../../dialects/stage.ts';
import { Driver } from '../driver.ts';

/** Options of the SDK's client; another runtime than the scene's own, and the cable that its connection goes over. */
interface Entering {
  to?: string;
  over?: Cable;
  [option: string]: unknown;
}

/**
 * A runtime on a real socket, and one process in which clients of the Go SDK come to it: `client` has been welcomed. Each looks
 * for gaps in `event_seq`, and gives up at one.
 */
export async function scene(program: string, { query = '', ...options }: Parameters<typeof stage>[1] = {}) {
  const at = await stage('go', options);
  const go = new Driver(program);
  const welcomes = new Map<string, { session_id: string; welcome: { resume_token: string } }>();
  const enter = async (as: string, { to = at.url, over, ...more }: Entering = {}) => {
    const url = new URL(`${to}${query}`);
    if (over) url.port = String(over.port);
    const Options = { Token: tokens.alice, DetectSeqGaps: true, ...more };
    const welcome = await go.call('connect', { as, args: { URL: url.href, Options } });
    welcomes.set(as, welcome);
    return welcome;
  };
  /** Where a client can come back to. */
  const ticket = async (of: string) => ({
    session_id: welcomes.get(of)?.session_id,
    resume_token: welcomes.get(of)?.welcome.resume_token,
    last_event_seq: await go.call('highest_seq', { on: of }),
  });
  const cable = () => cableTo(Number(new URL(at.url).port));
  const submit = (as: string, args: object, on = 'client') => go.call('submit', { on, as, args });
  const list = (args: object = {}, on = 'client') => go.call('list', { on, args });
  const subscribe = (
    as: string,
    JobID: string,
    { on = 'client', ...Options }: { on?: string; [option: string]: unknown } = {},
  ) => go.call('subscribe', { on, as, args: { JobID, Options } });
  await enter('client');
  return { ...at, go, enter, ticket, cable, submit, list, subscribe };
}

/** The numbers of the sequenced among some frames. */
export function seqs(frames: readonly { event_seq?: number }[]): number[] {
  return frames.flatMap(({ event_seq: seq }) => (seq === undefined ? [] : [seq]));
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
