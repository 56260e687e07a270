// What a level has to have taken of each chart: everything that is declared. Where it has not, the failure says what is
// missing, and where to add it.
import { expect } from 'vitest';
import { type Ability, type CoverageReport, policies, sessionWalks } from '../../src/conformance/index.ts';
import { everyAbility } from '../../src/conformance/model.ts';

/** What a driver of a level can do: everything but this. */
export function without(...abilities: Ability[]): ReadonlySet<Ability> {
  return new Set([...everyAbility].filter((ability) => !abilities.includes(ability)));
}

/** Fails where a declared transition of the session's or the job's chart was not taken, or a state never entered. */
export function expectCovered({ charts }: CoverageReport, level: string, abilities = everyAbility): void {
  const missing = charts.flatMap(({ transitions, states }) => [...transitions.missing, ...states.missing]);
  if (missing.length === 0) return;
  const [here, anywhere] = [plannedBy(abilities), plannedBy(everyAbility)];
  const lines = missing.map((id) => `  ${id}\n      ${hint(id, here, anywhere)}`);
  expect.fail(`${level}: never taken, or never entered, by the generated walks:\n${lines.join('\n')}`);
}

/** The same for the client's chart, whose walks have a model of their own. */
export function expectClientCovered({ charts }: CoverageReport, level: string): void {
  const missing = charts.flatMap(({ transitions, states }) => [...transitions.missing, ...states.missing]);
  if (missing.length === 0) return;
  const where = [
    'Add an act to test/conformance/client/model.ts, what has to come of it to outcome.ts, what the chart hears of it to',
    'walks.ts, and how it is done to driver.ts (the application, time) or player.ts (the runtime).',
  ].join('\n');
  expect.fail(`${level}: never taken, or never entered, by the generated walks:\n  ${missing.join('\n  ')}\n${where}`);
}

/** The transitions that the walks of a driver with these abilities lead through. */
function plannedBy(abilities: ReadonlySet<Ability>): ReadonlySet<string> {
  const walks = policies.flatMap(({ policy, scope }) => sessionWalks({ policy, scope, abilities }).walks);
  return new Set(walks.flat().flatMap(({ transitions }) => transitions));
}

function hint(id: string, here: ReadonlySet<string>, anywhere: ReadonlySet<string>): string {
  if (here.has(id)) {
    return 'walks lead through it and the runtime did not: see how wire-driver.ts, or the stage, brings the act about';
  }
  if (anywhere.has(id)) {
    return 'its act needs what this level lacks: see `needs` in src/conformance/model.ts, or teach the stage to do it';
  }
  return [
    'nothing in the model brings it about. Add an act to src/conformance/model.ts, what has to come of it to',
    'outcome*.ts, what the charts hear of it to told.ts, and how it is done to chart-driver.ts, and to wire-driver.ts with',
    'memory-stage.ts and process-stage.ts (server.mjs); for the job chart alone, also a case in small-charts.ts.',
  ].join('\n      ');
}
