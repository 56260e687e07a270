// Each measurement takes a side (sides.mjs) and returns figures of one round.

/** Delivers `each` events to each of so many sessions, all at once. `cpuMs` is the server's processor time. */
export async function delivery(side, { sessions, each }) {
  const counters = await openAll(sessions, () => side.stream(each));
  const received = Promise.all(counters.map((counter) => counter.count(each + 1)));
  const cpuBefore = await side.server.ask('cpu');
  const beganMs = performance.now();
  await side.server.ask('go');
  await received;
  const ms = performance.now() - beganMs;
  const cpuMs = ((await side.server.ask('cpu')) - cpuBefore) / 1000;
  const bytes = counters.reduce((sum, counter) => sum + counter.bytes, 0);
  await Promise.all(counters.map((counter) => side.leave(counter)));
  return { ms, cpuMs, bytes };
}

/** Opens sessions that do nothing, while `during` measures others; ends them after. */
export async function beside(sides, idle, during) {
  const held = await Promise.all(sides.map((side) => openAll(idle, () => side.connect())));
  const figures = await during();
  await Promise.all(sides.flatMap((side, i) => held[i].map((counter) => side.leave(counter))));
  return figures;
}

/** From the request to the last of `count` missed events and their terminal. */
export async function replay(side, count) {
  const { counter, request } = await side.missed(count);
  const received = counter.count(count + 2);
  const cpuBefore = await side.server.ask('cpu');
  const beganMs = performance.now();
  counter.send(request);
  await received;
  const ms = performance.now() - beganMs;
  const cpuMs = ((await side.server.ask('cpu')) - cpuBefore) / 1000;
  const { bytes } = counter;
  await side.leave(counter);
  return { ms, cpuMs, bytes };
}

/** What a connected client costs its server, and what is left of that once its socket is gone. */
export async function memory(side, count) {
  // Code that runs for the first time takes memory that no session owns.
  const first = await openAll(200, () => side.connect());
  await Promise.all(first.map((counter) => side.leave(counter)));
  const before = await side.server.ask('memory');
  const counters = await openAll(count, () => side.connect());
  const connected = perSession(await side.server.ask('memory'), before, count);
  await Promise.all(counters.map((counter) => counter.drop()));
  const dropped = perSession(await side.server.ask('memory'), before, count);
  return { connected, dropped };
}

function perSession(after, before, count) {
  return { heap: (after.heap - before.heap) / count, rss: (after.rss - before.rss) / count };
}

async function openAll(count, open) {
  const opened = [];
  while (opened.length < count) {
    const some = Math.min(50, count - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: some }, open))));
  }
  return opened;
}
