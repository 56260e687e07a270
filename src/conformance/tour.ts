/** A step of a graph. Edges with one label are one thing to be walked; those without are only ways to others. */
export interface Edge {
  from: string;
  to: string;
  label: string | undefined;
}

/**
 * Walks from `start` that take every label once at the least: what can still be walked without leaving a part of the graph
 * that has a way back is walked first, so that walks are few and long. The same edges give the same walks.
 */
export function tour<Step extends Edge>(edges: readonly Step[], start: string, stepsMax: number): Step[][] {
  const out = new Map<string, Step[]>();
  for (const edge of edges) {
    const others = out.get(edge.from);
    if (others) others.push(edge);
    else out.set(edge.from, [edge]);
  }
  const part = strongParts(start, (node) => (out.get(node) ?? []).map(({ to }) => to));
  const open = new Set(edges.flatMap(({ label }) => label ?? []));
  const walks: Step[][] = [];
  while (open.size > 0) {
    const walk: Step[] = [];
    for (let at = start; walk.length < stepsMax; at = walk.at(-1)?.to ?? start) {
      const stays = ({ from, to }: Step) => part.get(from) === part.get(to);
      const way = wayToOpen(at, stays) ?? wayToOpen(at, () => true);
      if (!way) break;
      walk.push(...way);
      for (const { label } of way) if (label !== undefined) open.delete(label);
    }
    if (walk.length === 0) break;
    walks.push(walk);
  }
  return walks;

  /** The shortest way whose last edge is open, over edges that are allowed. */
  function wayToOpen(at: string, allowed: (edge: Step) => boolean): Step[] | undefined {
    const reachedBy = new Map<string, Step | undefined>([[at, undefined]]);
    for (const node of reachedBy.keys()) {
      const ways = (out.get(node) ?? []).filter(allowed);
      const found = ways.find(({ label }) => label !== undefined && open.has(label));
      if (found) return [...wayBack(reachedBy, node), found];
      for (const edge of ways) if (!reachedBy.has(edge.to)) reachedBy.set(edge.to, edge);
    }
    return undefined;
  }
}

function wayBack<Step extends Edge>(reachedBy: ReadonlyMap<string, Step | undefined>, node: string): Step[] {
  const way: Step[] = [];
  for (let edge = reachedBy.get(node); edge; edge = reachedBy.get(edge.from)) way.unshift(edge);
  return way;
}

/** The strongly connected part each node reachable from `start` belongs to (Kosaraju's two passes, without recursion). */
function strongParts(start: string, next: (node: string) => readonly string[]): Map<string, string> {
  const back = new Map<string, string[]>();
  const finished: string[] = [];
  const seen = new Set([start]);
  const stack = [{ node: start, rest: [...next(start)] }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const to = top.rest.pop();
    if (to === undefined) {
      finished.push(top.node);
      stack.pop();
      continue;
    }
    const sources = back.get(to);
    if (sources) sources.push(top.node);
    else back.set(to, [top.node]);
    if (seen.has(to)) continue;
    seen.add(to);
    stack.push({ node: to, rest: [...next(to)] });
  }
  const part = new Map<string, string>();
  for (const root of finished.reverse()) {
    if (part.has(root)) continue;
    part.set(root, root);
    for (const members = [root]; members.length > 0; ) {
      for (const source of back.get(members.pop() ?? '') ?? []) {
        if (part.has(source)) continue;
        part.set(source, root);
        members.push(source);
      }
    }
  }
  return part;
}
