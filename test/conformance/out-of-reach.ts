import { type Ability, everyAbility } from '../../src/conformance/model.ts';

/** Transitions that nothing outside the runtime can bring about, and why; level (a) takes them on the charts themselves. */
export const outOfReach: ReadonlyMap<string, string> = new Map();

/** What a driver of these levels can do: everything but this. */
export function without(...abilities: Ability[]): ReadonlySet<Ability> {
  return new Set([...everyAbility].filter((ability) => !abilities.includes(ability)));
}
