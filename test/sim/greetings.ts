import type { Greeting, SimClient } from './client.ts';
import type { Lots } from './lots.ts';
import { everyFeature } from './settings.ts';

/** What a client says first: what it needs, and, where it is hasty, some nonsense before. */
export function drawGreetings(client: SimClient, lots: Lots, everyToken: readonly string[]): Greeting[] {
  const greetings: Greeting[] = [];
  while (client.habit === 'hasty' && lots.oneIn(3)) greetings.push(badGreeting(client, lots, everyToken));
  if (client.tokens.length > 0) greetings.push(resume(client, lots));
  else if (client.attempts.size === 0) greetings.push(hello(client, lots));
  // Some say nothing at all.
  if (lots.oneIn(20)) greetings.pop();
  // Of some it takes a while to find out who they are.
  return greetings.map((greeting) =>
    greeting.bearer === `${client.principal}/1` && lots.oneIn(6)
      ? { ...greeting, bearer: `${client.principal}/later` }
      : greeting,
  );
}

/** Any token that was ever given out, the later ones likelier. */
export function anyToken(lots: Lots, everyToken: readonly string[]): string {
  if (everyToken.length === 0) return 'rt_unknown';
  return lots.pick(lots.oneIn(2) ? everyToken : everyToken.slice(-4));
}

function hello({ principal }: SimClient, lots: Lots): Greeting {
  return { bearer: `${principal}/1`, features: everyFeature.filter(() => !lots.oneIn(4)) };
}

function resume({ principal, tokens, cursor: newestSeq, sessionId }: SimClient, lots: Lots): Greeting {
  const likeliest = lots.oneIn(3) ? tokens.slice(0, 4) : tokens.slice(0, 1);
  const cursor = Math.max(0, newestSeq - (lots.oneIn(2) ? 0 : lots.below(8)));
  const named = sessionId !== undefined && lots.oneIn(3) ? { sessionId } : {};
  return { bearer: `${principal}/1`, token: lots.pick(likeliest), cursor, ...named };
}

/** Resumes of which most must be refused; the oracle knows which, and why. */
function badGreeting(client: SimClient, lots: Lots, everyToken: readonly string[]): Greeting {
  const bearer = `${client.principal}/1`;
  const { tokens, cursor: newestSeq } = client;
  const token = tokens[0] ?? 'rt_unknown';
  return lots.pick<() => Greeting>([
    () => ({ bearer, token: 'rt_unknown', cursor: 0 }),
    () => ({ bearer: '/nobody', token, cursor: 0 }),
    () => ({ bearer, token, cursor: newestSeq + 1 + lots.below(3) }),
    () => ({ bearer, token, cursor: newestSeq + 1_000_000 }),
    () => ({ bearer, token, cursor: 0 }),
    () => ({ bearer, token, cursor: newestSeq, sessionId: 'sess_another' }),
    () => ({ bearer, token: anyToken(lots, everyToken), cursor: newestSeq }),
    () => ({ bearer, token: anyToken(lots, everyToken), cursor: newestSeq }),
  ])();
}
