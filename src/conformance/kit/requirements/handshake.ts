import { must, type Requirement, requirements, Skipped } from '../requirement.ts';
import { everyFeature, type Held, refused, type Scene, told } from '../scene.ts';

/** Who is let in, and what the welcome says (§6.1). */
export const handshakeRequirements: Requirement[] = requirements('§6.1', {
  'HEL-01': ['A hello with a good token is welcomed with a session id, a resume token and a resume window.', welcomes],
  'HEL-02': ['A hello with a wrong token is refused with UNAUTHENTICATED and closed.', notLetIn('tok-nobody-has-this')],
  'HEL-03': ['A hello without credentials is refused with UNAUTHENTICATED and closed.', notLetIn(undefined)],
  'HEL-04': ['A hello with another authentication scheme is refused with UNAUTHENTICATED.', otherScheme],
  'HEL-05': [
    'Nothing runs before authentication: a submit as first frame is refused with UNAUTHENTICATED.',
    submitFirst,
  ],
  'HEL-06': ['A malformed first frame is refused with INVALID_REQUEST and closed.', malformedFirst],
  'HEL-07': ['A second hello is refused with INVALID_REQUEST, and the session stays as it was.', secondHello],
  'HEL-08': ['The runtime makes the session id: one that a client offers is not taken.', offeredId],
  'HEL-09': ['Two hellos open two sessions, each with its own id and resume token.', twoSessions],
  'HEL-10': ['A token in the Authorization header that differs from the one in the frame proves nothing.', header],
  'HEL-11': ['A connection that says nothing is closed within 15 seconds.', silent],
});

/** What both sides can do, and nothing more (§6.2). */
export const featureRequirements: Requirement[] = requirements('§6.2', {
  'FEA-01': ['The features of a session are those that both sides have, and no other.', intersects],
  'FEA-02': ['A client without any feature is welcome.', noFeatures],
  'FEA-03': [
    'A feature that was not negotiated is refused with INVALID_REQUEST, and the session lives on.',
    unnegotiated,
  ],
  'FEA-04': ['The welcome gives a heartbeat interval if heartbeat was negotiated, and only then.', interval],
  'FEA-05': ['The welcome lists the agents, each with a name and its versions.', listsAgents],
});

async function welcomes(scene: Scene): Promise<void> {
  const { welcome } = await scene.open();
  const { session_id, resume_window_sec, runtime } = welcome.payload;
  must(typeof (session_id ?? welcome.session_id) === 'string', 'the welcome has no session_id');
  must(
    Number.isSafeInteger(resume_window_sec) && Number(resume_window_sec) > 0,
    `resume_window_sec is ${JSON.stringify(resume_window_sec)}, not a whole number of seconds above 0`,
  );
  must(typeof runtime === 'object' && runtime !== null, 'the welcome does not name its runtime');
}

function notLetIn(token: string | undefined): Requirement['check'] {
  return async (scene) => {
    const peer = await scene.connect();
    const auth = token === undefined ? {} : { auth: { scheme: 'bearer', token } };
    const answer = await peer.ask('session.hello', { ...scene.greeting('nobody'), ...auth });
    refused(answer, 'UNAUTHENTICATED', 'this hello');
    await peer.closed('the connection to be closed after the refusal');
  };
}

async function otherScheme(scene: Scene): Promise<void> {
  const peer = await scene.connect();
  const auth = { scheme: 'x-kit-unheard-of', token: scene.subject.token };
  const answer = await peer.ask('session.hello', { ...scene.greeting('nobody'), auth });
  refused(answer, 'UNAUTHENTICATED', 'a hello with the scheme x-kit-unheard-of');
}

async function submitFirst(scene: Scene): Promise<void> {
  const peer = await scene.connect();
  const answer = await peer.ask('job.submit', { agent: scene.subject.echo ?? 'echo', input: {} });
  refused(answer, 'UNAUTHENTICATED', 'a submit before any hello');
  await peer.closed('the connection to be closed after the refusal');
}

async function malformedFirst(scene: Scene): Promise<void> {
  const peer = await scene.connect();
  peer.raw('this is not JSON');
  refused(await peer.first('session.error'), 'INVALID_REQUEST', 'a first frame that is not JSON');
  await peer.closed('the connection to be closed after the refusal');
}

async function secondHello(scene: Scene): Promise<void> {
  const session = await scene.open();
  const answer = await session.peer.ask('session.hello', scene.greeting());
  refused(answer, 'INVALID_REQUEST', 'a second hello on a live session');
  await session.peer.settle();
  session.peer.drop();
  await scene.resume(session, 0);
}

async function offeredId(scene: Scene): Promise<void> {
  const peer = await scene.connect();
  const offered = 'sess_kit_offers_this_one';
  const welcome = await peer.ask('session.hello', { ...scene.greeting(), session_id: offered });
  const id = welcome.payload.session_id ?? welcome.session_id;
  must(id !== offered, 'the session has the id that the client offered');
}

async function twoSessions(scene: Scene): Promise<void> {
  const [one, other] = [await scene.open(), await scene.open()];
  must(one.id !== other.id, `two hellos were welcomed to one session, ${one.id}`);
  must(one.token !== other.token, 'two sessions were given the same resume token');
}

async function header(scene: Scene): Promise<void> {
  const peer = await scene.connect({ authorization: 'Bearer tok-of-somebody-else' }).catch(() => undefined);
  // A runtime may look at the header earlier, and refuse the upgrade.
  if (!peer) return;
  const answer = await peer.ask('session.hello', scene.greeting());
  refused(answer, 'UNAUTHENTICATED', 'a hello whose token is not the one in the Authorization header');
}

async function silent(scene: Scene): Promise<void> {
  const peer = await scene.connect();
  await peer.closed('a connection that said nothing to be closed', 15_000);
}

function featuresOf({ welcome }: Held): string[] {
  const { capabilities } = welcome.payload;
  if (typeof capabilities !== 'object' || capabilities === null || !('features' in capabilities)) return [];
  return Array.isArray(capabilities.features) ? capabilities.features.map(String) : [];
}

async function intersects(scene: Scene): Promise<void> {
  const asked = ['ack', 'x-kit-unheard-of'];
  const strange = featuresOf(await scene.open('own', asked)).filter((name) => name !== 'ack');
  must(strange.length === 0, `asked for ${asked.join(', ')}, the session has ${strange.join(', ')} too`);
}

async function noFeatures(scene: Scene): Promise<void> {
  const session = await scene.open('own', []);
  must(featuresOf(session).length === 0, `asked for no feature, the session has ${featuresOf(session).join(', ')}`);
  await session.peer.settle();
}

async function unnegotiated(scene: Scene): Promise<void> {
  const { peer } = await scene.open('own', []);
  const answer = await peer.ask('session.ack', { last_processed_seq: 0 });
  refused(answer, 'INVALID_REQUEST', 'an acknowledgement in a session without ack');
  await peer.settle();
}

async function interval(scene: Scene): Promise<void> {
  const without = await scene.open('own', []);
  const { heartbeat_interval_sec: unasked } = without.welcome.payload;
  must(unasked === undefined, `a session without heartbeat was told an interval of ${String(unasked)}`);
  if (!scene.subject.features.has('heartbeat')) return;
  const { heartbeat_interval_sec: seconds } = (await scene.open('own', everyFeature)).welcome.payload;
  must(
    Number.isSafeInteger(seconds) && Number(seconds) > 0,
    `heartbeat_interval_sec is ${JSON.stringify(seconds)}, not a whole number of seconds above 0`,
  );
}

async function listsAgents(scene: Scene): Promise<void> {
  const { welcome } = await scene.open();
  const { capabilities } = welcome.payload;
  const agents: unknown =
    typeof capabilities === 'object' && capabilities !== null && 'agents' in capabilities ? capabilities.agents : [];
  if (!Array.isArray(agents)) throw new Skipped('the welcome has no list of agents');
  for (const agent of agents) {
    const isListed = typeof agent === 'object' && agent !== null && 'name' in agent && typeof agent.name === 'string';
    must(isListed, `an agent is listed as ${JSON.stringify(agent)}`);
    must('versions' in agent && Array.isArray(agent.versions), `${agent.name} is listed without versions`);
  }
  must(agents.length > 0, `no agent is listed in the ${told(welcome)}`);
}
