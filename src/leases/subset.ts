import { Automaton, type Letter } from './automaton.ts';
import type { Pattern } from './pattern.ts';

/** States looked at before a proof is given up: some pairs of patterns would take more than anybody has. */
const proofStepsMax = 200_000;

/**
 * The first of `inner` that covers a target which none of `outer` does, all of one namespace (§9.4); undefined: they are a
 * subset. Exact: the texts of a pattern are followed through all of `outer` at once, and any that leaves it is an answer. Only
 * where that takes more than `proofStepsMax` a pattern counts as beyond without proof.
 */
export function firstBeyond(inner: readonly Pattern[], outer: readonly Pattern[]): Pattern | undefined {
  const known = new Set(outer.map(({ text }) => text));
  const unknown = inner.filter(({ text }) => !known.has(text));
  if (unknown.length === 0) return undefined;
  const around = new Automaton(outer);
  let stepsLeft = proofStepsMax;
  return unknown.find((pattern) => {
    stepsLeft = stepsInside(new Automaton([pattern]), around, stepsLeft);
    return stepsLeft <= 0;
  });
}

interface Moment {
  inner: number;
  outer: readonly number[];
}

/** How many of the steps are left once `inner` is known to stay inside; none where it does not, or they are used up. */
function stepsInside(inner: Automaton, outer: Automaton, steps: number): number {
  const letters: Letter[] = [...new Set([...inner.letters, ...outer.letters]), undefined];
  const waiting: Moment[] = inner.start.map((state) => ({ inner: state, outer: outer.start }));
  const seen = new Set(waiting.map(keyOf));
  let left = steps;
  for (let moment = waiting.pop(); moment; moment = waiting.pop()) {
    const { inner: state, outer: states } = moment;
    // From every state of a pattern its end can be reached: where nothing of `outer` is left, something gets out.
    if (states.length === 0) return 0;
    if (inner.isEnd(state) && !states.some((one) => outer.isEnd(one))) return 0;
    for (const letter of letters) {
      left -= states.length + 1;
      if (left <= 0) return 0;
      const next = inner.step([state], letter);
      if (next.length === 0) continue;
      const led = outer.step(states, letter);
      for (const one of next) {
        const then = { inner: one, outer: led };
        const key = keyOf(then);
        if (!seen.has(key)) waiting.push(then);
        seen.add(key);
      }
    }
  }
  return left;
}

function keyOf({ inner, outer }: Moment): string {
  return `${inner}:${outer.join()}`;
}
