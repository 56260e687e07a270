// One net over the tree it was compiled from: `nets.js WALKS_FILE NET`. Tells what it found as one line of JSON; without a
// net, writes the walks to the file; without anything, tells the nets there are.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { type JobInput, jobMachine } from '../../machines/index.ts';
import {
  type Ability,
  ChartDriver,
  drive,
  lifecyclePaths,
  type Policy,
  policies,
  type SessionDriver,
  type SessionStep,
  type Step,
  sessionWalks,
  WireDriver,
} from '../../src/conformance/index.ts';
import { everyAbility } from '../../src/conformance/model.ts';
import type { ClientSetup } from '../conformance/client/model.ts';
import { memoryPlace } from '../conformance/client/place.ts';
import { type ClientStep, clientWalks, standing, takeClient } from '../conformance/client/walks.ts';
import { jobFaults } from '../conformance/job-walks.ts';
import { memoryStage } from '../conformance/memory-stage.ts';
import { jobCases, jobInputs } from '../conformance/small-charts.ts';
import { simulate } from '../sim/run.ts';

/** What a net says of a tree: how much it took to see the fault, or how much it saw none in. */
interface Finding {
  caught: boolean;
  after: number;
  unit: 'steps' | 'seeds';
  message: string;
}

/** Walks of the charts as they are: a broken chart is held against them, not asked for its own. */
interface Walks {
  sessions: { policy: Policy; chart: SessionStep[][]; runtime: SessionStep[][] }[];
  jobs: { input: JobInput; walks: Step[][] }[];
  clients: { setup: ClientSetup; walks: ClientStep[][] }[];
}

let stepsTaken = 0;
const stormSteps = 120;
/** A runtime can be told no fact that is none, and one that is broken on purpose is not broken twice. */
const atRuntime = new Set([...everyAbility].filter((ability) => ability !== 'facts' && ability !== 'faults'));

const nets: Record<string, (walks: () => Walks) => Promise<Finding>> = {
  'walks: job': async (walks) => walkedJobs(walks()),
  'walks: chart': (walks) => walked(walks(), 'chart', (policy) => new ChartDriver({ policy })),
  'walks: runtime': (walks) => walked(walks(), 'runtime', (policy) => new WireDriver(memoryStage(policy, () => {}))),
  'walks: client': (walks) => walkedClients(walks()),
  storms: () => stormed(1, 400),
  // Rare things take many: only what all others have missed is looked for here.
  'more storms': () => stormed(401, 10_000),
};

function makeWalks(): Walks {
  const sessions = policies.map(({ policy, scope }) => {
    const short = (abilities: ReadonlySet<Ability>) =>
      sessionWalks({ policy, scope, abilities }).walks.map((walk) => walk.map(shortened));
    return { policy, chart: short(everyAbility), runtime: short(atRuntime) };
  });
  const jobs = jobInputs.map((input) => {
    const { walks } = lifecyclePaths(jobMachine, { input, cases: jobCases });
    return { input, walks: walks.map((walk) => [...walk]) };
  });
  const clients = standing.map((setup) => ({ setup, walks: clientWalks(setup) }));
  return { sessions, jobs, clients };
}

/** What a driver needs of a step; the rest is much to write and to read. */
function shortened(step: SessionStep): SessionStep {
  const before = { ...step.before, context: {}, children: {} };
  return { ...step, before, after: { ...before, memory: undefined }, told: [], transitions: [] };
}

async function walked(
  { sessions }: Walks,
  level: 'chart' | 'runtime',
  driverFor: (policy: Policy) => SessionDriver,
): Promise<Finding> {
  for (const { policy, [level]: walks } of sessions) {
    for (const walk of walks) {
      try {
        await drive(counted(driverFor(policy)), walk);
      } catch (error) {
        return { caught: true, after: stepsTaken, unit: 'steps', message: messageOf(error) };
      }
    }
  }
  return { caught: false, after: stepsTaken, unit: 'steps', message: '' };
}

function walkedJobs({ jobs }: Walks): Finding {
  for (const { input, walk } of jobs.flatMap(({ input, walks }) => walks.map((walk) => ({ input, walk })))) {
    stepsTaken += walk.length;
    try {
      const [message] = jobFaults(walk, input);
      if (message !== undefined) return { caught: true, after: stepsTaken, unit: 'steps', message };
    } catch (error) {
      return { caught: true, after: stepsTaken, unit: 'steps', message: messageOf(error) };
    }
  }
  return { caught: false, after: stepsTaken, unit: 'steps', message: '' };
}

async function walkedClients({ clients }: Walks): Promise<Finding> {
  for (const { setup, walk } of clients.flatMap(({ setup, walks }) => walks.map((walk) => ({ setup, walk })))) {
    stepsTaken += walk.length;
    try {
      await takeClient(walk, { setup, place: memoryPlace(), inspect: () => {} });
    } catch (error) {
      return { caught: true, after: stepsTaken, unit: 'steps', message: messageOf(error) };
    }
  }
  return { caught: false, after: stepsTaken, unit: 'steps', message: '' };
}

function counted(driver: SessionDriver): SessionDriver {
  return {
    perform(at, act) {
      stepsTaken += 1;
      return driver.perform(at, act);
    },
    end: () => driver.end(),
  };
}

/** The same seeds every time: what is caught today is caught tomorrow. */
async function stormed(first: number, last: number): Promise<Finding> {
  for (let seed = first; seed <= last; seed += 1) {
    try {
      await simulate(seed, stormSteps);
    } catch (error) {
      return { caught: true, after: seed, unit: 'seeds', message: messageOf(error) };
    }
  }
  return { caught: false, after: last, unit: 'seeds', message: '' };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const [file = '', name] = process.argv.slice(2);
let told = '';
// A walk whose driver waits for what never comes ends with the process: that is a finding too.
process.on('exit', (code) => {
  if (told !== '' || (code !== 0 && code !== 13)) return;
  const message = 'waits for ever for what does not come';
  writeSync(1, `${JSON.stringify({ caught: true, after: stepsTaken, unit: 'steps', message })}\n`);
  process.exitCode = 0;
});
const found = await nets[name ?? '']?.(() => JSON.parse(readFileSync(file, 'utf8')));
if (!found && file !== '') writeFileSync(file, JSON.stringify(makeWalks()));
told = `${JSON.stringify(found ?? Object.keys(nets))}\n`;
// What a broken runtime leaves behind must not keep the answer.
process.stdout.write(told, () => process.exit(0));
