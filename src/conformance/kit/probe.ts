import { ConnectionError } from '../../client.ts';
import { correlationOf, type KitFrame } from './peer.ts';
import { byeVerbs, closeVerbs, type Profile, type ResumeSpelling, resumeSpellings } from './profiles.ts';
import { type Held, Scene, type Subject } from './scene.ts';

/** What is known before the first check: how the runtime speaks, what it says of itself, and what was looked for in vain. */
export interface Probed {
  subject: Subject;
  runtime: { name: string; version: string };
  /** In words, for whoever reads the report. */
  notes: string[];
}

export interface ProbeOptions {
  url: string;
  token: string;
  secondToken: string | undefined;
  profile: Profile | undefined;
  agentEcho: string | undefined;
  agentSlow: string | undefined;
  slowInput: unknown;
  patienceMs: number;
}

/** Asks the runtime how it speaks. Rejects with `ConnectionError` where it cannot be reached or refuses the token. */
export async function probe(options: ProbeOptions): Promise<Probed> {
  const { url, token, secondToken, patienceMs } = options;
  const leaves = { close: null, bye: null };
  const resumes = { resume: resumeSpellings[0], understands: [] };
  const unknown: Profile = { name: 'probed', ...resumes, ...leaves, correlation: 'order' };
  const subject: Subject = {
    ...{ url, token, secondToken, patienceMs },
    profile: options.profile ?? unknown,
    echo: undefined,
    slow: undefined,
    windowSec: 0,
    heartbeatSec: undefined,
    features: new Set(),
    frameBytesTooBig: undefined,
    refusesBinary: false,
  };
  const welcome = await firstWelcome(subject);
  if (secondToken !== undefined) await firstWelcome({ ...subject, token: secondToken });
  const { resume_window_sec, heartbeat_interval_sec } = welcome.payload;
  subject.windowSec = Number(resume_window_sec);
  subject.heartbeatSec = heartbeat_interval_sec === undefined ? undefined : Number(heartbeat_interval_sec);
  subject.features = new Set(listed(welcome, 'features').map(String));
  if (!options.profile) subject.profile = await probeProfile(subject, welcome);
  subject.refusesBinary = await played(subject, refusesBinary).catch(() => false);
  subject.frameBytesTooBig =
    (await firstThat(frameBytes, (bytes) => played(subject, (scene) => isTooBig(scene, bytes)))) ?? undefined;
  const notes = await probeAgents(subject, options, namesOf(welcome));
  const runtime = field(welcome.payload, 'runtime');
  const name = String(field(runtime, 'name') ?? welcome.payload.runtime_name ?? 'a runtime without a name');
  const version = String(field(runtime, 'version') ?? welcome.payload.runtime_version ?? '');
  return { subject, runtime: { name, version }, notes };
}

/** The first words with a runtime: whatever goes wrong here, there is nothing to test. */
async function firstWelcome(subject: Subject): Promise<KitFrame> {
  return played(subject, async (scene) => {
    try {
      const { welcome } = await scene.open();
      return welcome;
    } catch (error) {
      const [said] = scene.transcript.lines().slice(-1);
      const message = error instanceof Error ? error.message : String(error);
      throw new ConnectionError('refused', said ? `${message} (last seen: ${said})` : message);
    }
  });
}

async function probeProfile(subject: Subject, welcome: KitFrame): Promise<Profile> {
  const correlation = correlationOf(welcome, 'kit-1-1') ?? 'order';
  const close = await firstThat(closeVerbs, (verb) => isGoodbye(subject, verb));
  const bye = await firstThat(byeVerbs, (verb) => isGoodbye(subject, verb));
  const understands: ResumeSpelling[] = [];
  for (const spelling of resumeSpellings) if (await isUnderstood(subject, spelling)) understands.push(spelling);
  return { name: 'probed', resume: understands[0] ?? 'session.resume', understands, close, bye, correlation };
}

/** A runtime that does not know a spelling refuses it, or takes it for a new client's hello. */
function isUnderstood(subject: Subject, spelling: ResumeSpelling): Promise<boolean> {
  return played(subject, async (scene) => {
    const session = await scene.open();
    session.peer.drop();
    const { answer } = await scene.tryResume(session.token, { cursor: 0, spelling });
    return idOf(answer) === session.id;
  }).catch(() => false);
}

/** Whether the runtime takes this frame for a goodbye: it answers so, or closes as one does after a goodbye. */
function isGoodbye(subject: Subject, verb: string): Promise<boolean> {
  return played(subject, async (scene) => {
    const { peer }: Held = await scene.open();
    const answer = await peer.ask(verb);
    return answer.type === 'session.closed';
  });
}

function idOf({ type, session_id, payload }: KitFrame): unknown {
  return type === 'session.welcome' ? (payload.session_id ?? session_id) : undefined;
}

/** The protocol's limit, and what a runtime may have been set to instead; one byte more. */
const frameBytes = [1, 4, 16].map((mebibytes) => mebibytes * 2 ** 20 + 1);

/** A ping with so much in a field that nobody knows; whoever takes it answers it. */
async function isTooBig(scene: Scene, bytes: number): Promise<boolean> {
  const { peer } = await scene.open();
  await peer.ask('session.ping', {}, { x_pad: 'x'.repeat(bytes) }).catch(() => {});
  return peer.endCode !== undefined;
}

async function refusesBinary(scene: Scene): Promise<boolean> {
  const { peer } = await scene.open();
  peer.binary(new Uint8Array([1, 2, 3]));
  await peer.settle().catch(() => {});
  return peer.endCode !== undefined;
}

async function probeAgents(subject: Subject, options: ProbeOptions, names: readonly string[]): Promise<string[]> {
  const notes: string[] = [];
  const { agentEcho, agentSlow, slowInput } = options;
  const echoes = agentEcho === undefined ? names.filter((name) => /echo/i.test(name)) : [agentEcho];
  const echo = await firstThat(echoes, (name) => isEcho(subject, name));
  if (echo !== null) subject.echo = echo;
  else notes.push(`no agent that returns its input was found${tried(echoes)}: name one with --agent-echo`);
  const slows =
    agentSlow === undefined
      ? [/slow/i, /count|tick/i].flatMap((hint) => names.filter((name) => hint.test(name)))
      : [agentSlow];
  const slow = await firstThat(slows, (name) => isSlow(subject, { name, input: slowInput }));
  if (slow !== null) subject.slow = { name: slow, input: slowInput };
  else notes.push(`no agent that emits for some seconds was found${tried(slows)}: name one with --agent-slow`);
  return notes;
}

function isEcho(subject: Subject, agent: string): Promise<boolean> {
  return played(subject, async (scene) => {
    const { peer } = await scene.open();
    const { frame } = await peer.terminal(await scene.submit(peer, { agent, input: { probe: [1, 2] } }));
    return JSON.stringify(frame.payload.result) === '{"probe":[1,2]}';
  });
}

/** It emits six events, and is not at its end. */
function isSlow(subject: Subject, { name, input }: { name: string; input: unknown }): Promise<boolean> {
  return played(subject, async (scene) => {
    const { peer } = await scene.open();
    const job = await scene.submit(peer, { agent: name, input });
    await peer.untilSeq(6);
    await peer.settle();
    return peer.terminals(job).length === 0;
  });
}

async function played<Result>(subject: Subject, play: (scene: Scene) => Promise<Result>): Promise<Result> {
  const scene = new Scene(subject);
  try {
    return await play(scene);
  } finally {
    await scene.end();
  }
}

/** A probe that goes wrong is a no. */
async function firstThat<Item>(items: readonly Item[], isIt: (item: Item) => Promise<boolean>): Promise<Item | null> {
  for (const item of items) if (await isIt(item).catch(() => false)) return item;
  return null;
}

function tried(names: readonly string[]): string {
  return names.length === 0 ? ' among those it lists' : ` (tried ${names.join(', ')})`;
}

function namesOf(welcome: KitFrame): string[] {
  return listed(welcome, 'agents').flatMap((agent) => {
    const name = field(agent, 'name');
    return typeof name === 'string' ? [name] : [];
  });
}

function listed({ payload }: KitFrame, name: 'features' | 'agents'): unknown[] {
  const list = field(payload.capabilities, name);
  return Array.isArray(list) ? list : [];
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
