import { performance } from 'node:perf_hooks';
import type { SessionStep } from '../session-walks.ts';
import { probe } from './probe.ts';
import { profiles } from './profiles.ts';
import { type ConformanceReport, countOf, type Result } from './report.ts';
import { Broken, type Need, type Requirement, Skipped } from './requirement.ts';
import { allRequirements } from './requirements/index.ts';
import { Scene, type Subject } from './scene.ts';
import { Transcript } from './transcript.ts';
import { takeWalk, walksFor } from './walks.ts';

/** What the kit is told of a runtime; everything but `token` can be found out or done without. */
export interface ConformanceOptions {
  token: string;
  /** A token of another principal. */
  secondToken?: string | undefined;
  /** Name of a profile (`profiles`); default: the runtime is probed. */
  profile?: string | undefined;
  /** An agent that returns its input; default: one that is listed and does. */
  agentEcho?: string | undefined;
  /** An agent that emits events for some seconds; default: one that is listed and does. */
  agentSlow?: string | undefined;
  /** Default `{count: 40, delay_ms: 50}`. */
  slowInput?: unknown;
  /** How long to wait for what has to come. Default 5,000 milliseconds. */
  patienceMs?: number;
  /** Ids of requirements, or their beginnings ('RES'), to be checked; `walks` for the walks. Default: all. */
  only?: readonly string[];
  /** Told what was found out before the first check. */
  onStart?: (head: Omit<ConformanceReport, 'results' | 'passed' | 'failed' | 'skipped'>) => void;
  /** Told each result as it comes. */
  onResult?: (result: Result) => void;
}

/** Seconds: a window or an interval longer than this is not waited for. */
const shortSec = 10;

/**
 * Checks an ARCP runtime at a WebSocket URL against the protocol, from outside. Resolves with what was found, also where the
 * runtime does not conform; rejects with `ConnectionError` where it cannot be reached or refuses the token, with `RangeError`
 * where the profile is unknown.
 */
export async function runConformance(url: string, options: ConformanceOptions): Promise<ConformanceReport> {
  const { token, secondToken, agentEcho, agentSlow, patienceMs = 5000 } = options;
  const { slowInput = { count: 40, delay_ms: 50 }, only, onStart = () => {}, onResult = () => {} } = options;
  const profile = profileNamed(options.profile);
  const found = await probe({ url, token, secondToken, profile, agentEcho, agentSlow, slowInput, patienceMs });
  const { subject, runtime, notes } = found;
  const agents = { echo: subject.echo ?? null, slow: subject.slow?.name ?? null };
  // A query may be secret.
  const head = { url: url.replace(/[?#].*$/, ''), runtime, profile: subject.profile, agents, notes };
  onStart(head);
  const results: Result[] = [];
  const add = (result: Result) => {
    results.push(result);
    onResult(result);
  };
  const isWanted = (id: string) => only === undefined || only.some((wanted) => id.startsWith(wanted));
  for (const requirement of allRequirements) {
    if (isWanted(requirement.id)) add(await checked(requirement, subject));
  }
  if (isWanted('walks')) for (const walk of walkRequirements(subject)) add(await timed(walk, walk.take));
  const count = (status: Result['status']) => countOf(results, status);
  return { ...head, results, passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

function profileNamed(name: string | undefined) {
  if (name === undefined) return undefined;
  const profile = profiles.find((one) => one.name === name);
  if (profile) return profile;
  throw new RangeError(`there is no profile ${name}; there are ${profiles.map((one) => one.name).join(', ')}`);
}

async function checked(requirement: Requirement, subject: Subject): Promise<Result> {
  return timed(requirement, async () => {
    for (const need of requirement.needs) {
      const missing = lacks[need](subject);
      if (missing !== undefined) throw new Skipped(missing);
    }
    const scene = new Scene(subject);
    try {
      await requirement.check(scene);
    } catch (error) {
      throw new Told(error, scene.transcript.lines());
    } finally {
      await scene.end();
    }
  });
}

/** An error, and the frames that led to it. */
class Told extends Error {
  readonly transcript: string[];

  constructor(cause: unknown, transcript: string[]) {
    super('', { cause });
    this.transcript = transcript;
  }
}

interface Sentence {
  id: string;
  section: string;
  sentence: string;
}

async function timed({ id, section, sentence }: Sentence, check: () => Promise<void>): Promise<Result> {
  const startedMs = performance.now();
  const said = { id, section, sentence };
  const elapsed = () => performance.now() - startedMs;
  try {
    await check();
    return { ...said, status: 'passed', durationMs: elapsed() };
  } catch (error) {
    const cause = error instanceof Told ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof Skipped) return { ...said, status: 'skipped', reason, durationMs: elapsed() };
    const transcript = error instanceof Told ? { transcript: error.transcript } : {};
    const words = cause instanceof Broken ? reason : `the check could not be done: ${reason}`;
    return { ...said, status: 'failed', reason: words, ...transcript, durationMs: elapsed() };
  }
}

/** What is missing for a check that needs something, in words; undefined where nothing is. */
const lacks: Readonly<Record<Need, (subject: Subject) => string | undefined>> = {
  'second token': ({ secondToken }) =>
    secondToken === undefined ? 'needs a token of another principal: --second-token' : undefined,
  echo: ({ echo }) => (echo === undefined ? 'needs an agent that returns its input: --agent-echo' : undefined),
  slow: ({ slow }) =>
    slow === undefined ? 'needs an agent that emits events for some seconds: --agent-slow' : undefined,
  'close verb': ({ profile }) => (profile.close === null ? 'the runtime has no frame to leave for a while' : undefined),
  'bye verb': ({ profile }) => (profile.bye === null ? 'the runtime has no frame to leave for good' : undefined),
  'short window': ({ windowSec }) =>
    windowSec > shortSec ? `needs a resume window of at most ${shortSec} seconds; here it is ${windowSec}` : undefined,
  'frame limit': ({ frameBytesTooBig }) =>
    frameBytesTooBig === undefined ? 'no frame that was tried was too big for the runtime' : undefined,
  'short heartbeat': ({ heartbeatSec }) => {
    if (heartbeatSec === undefined) return 'the runtime does not offer heartbeat';
    const told = `needs a heartbeat interval of at most ${shortSec} seconds; here it is ${heartbeatSec}`;
    return heartbeatSec > shortSec ? told : undefined;
  },
};

/** Greetings that fail make many walks of a few steps each: they are one requirement. */
const shortWalkSteps = 5;

function walkRequirements(subject: Subject): (Sentence & { take: () => Promise<void> })[] {
  const walks = walksFor(subject);
  const short = walks.filter(({ length }) => length <= shortWalkSteps);
  const groups = [short, ...walks.filter((walk) => !short.includes(walk)).map((walk) => [walk])];
  return groups.map((group, index) => ({
    id: `WLK-${String(index + 1).padStart(2, '0')}`,
    section: 'walks',
    sentence: index === 0 ? `${group.length} walks from the first frame on, each of a few steps.` : sentenceOf(group),
    take: () => takeAll(group, subject),
  }));
}

function sentenceOf([walk = []]: readonly (readonly SessionStep[])[]): string {
  return `A walk of ${walk.length} steps through the life of a session.`;
}

async function takeAll(walks: readonly (readonly SessionStep[])[], subject: Subject): Promise<void> {
  if (subject.profile.correlation === 'order') throw new Skipped('the answers of the runtime name no request');
  for (const walk of walks) {
    const transcript = new Transcript();
    await takeWalk(walk, subject, transcript).catch((error: unknown) => {
      throw new Told(error, transcript.lines().slice(-16));
    });
  }
}
