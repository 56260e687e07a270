/** A segment of a pattern: the texts between its `*`. One text alone has no `*` in it; `['', '']` is a bare `*`. */
export type SegmentPattern = readonly string[];

/** A glob over the segments of a target (§9), case-sensitive. */
export interface Pattern {
  /** As it was written. */
  text: string;
  separator: '/' | '.';
  /** The segments before, between and behind the `**`, each of which stands for any number of segments. */
  runs: readonly (readonly SegmentPattern[])[];
}

/** Reads a pattern: every text is one. Whether it makes sense in its namespace is said by src/leases/grammar.ts. */
export function readPattern(text: string, separator: '/' | '.'): Pattern {
  const runs: SegmentPattern[][] = [[]];
  let before = '';
  for (const segment of text.split(separator)) {
    // Only a whole segment `**` crosses separators; any other run of stars is a star, as in .gitignore.
    if (segment !== '**') runs[runs.length - 1]?.push(segment.split(/\*+/));
    // Twice any number of segments is any number of them.
    else if (before !== '**') runs.push([]);
    before = segment;
  }
  return { text, separator, runs };
}

/**
 * Whether a target is covered. Nothing is tried twice: what stands between two `**`, and between two `*` in a segment, is
 * looked for from the left and stays where it is first found, for what follows can only gain by it.
 */
export function covers({ runs, separator }: Pattern, target: string): boolean {
  const parts = target.split(separator);
  const [first = []] = runs;
  if (runs.length === 1) return parts.length === first.length && standsAt(first, parts, 0);
  const last = runs[runs.length - 1] ?? [];
  const end = parts.length - last.length;
  if (end < first.length || !standsAt(first, parts, 0) || !standsAt(last, parts, end)) return false;
  let at = first.length;
  for (let index = 1; index < runs.length - 1; index += 1) {
    const run = runs[index] ?? [];
    while (at + run.length <= end && !standsAt(run, parts, at)) at += 1;
    at += run.length;
    if (at > end) return false;
  }
  return true;
}

function standsAt(run: readonly SegmentPattern[], parts: readonly string[], at: number): boolean {
  for (let index = 0; index < run.length; index += 1) {
    if (!coversSegment(run[index] ?? [], parts[at + index] ?? '')) return false;
  }
  return true;
}

function coversSegment(texts: SegmentPattern, part: string): boolean {
  const first = texts[0] ?? '';
  if (texts.length === 1) return part === first;
  if (isBareStar(texts)) return part !== '';
  const last = texts[texts.length - 1] ?? '';
  const end = part.length - last.length;
  if (end < first.length || !part.startsWith(first) || !part.endsWith(last)) return false;
  let at = first.length;
  for (let index = 1; index < texts.length - 1; index += 1) {
    const text = texts[index] ?? '';
    const found = part.indexOf(text, at);
    at = found + text.length;
    if (found < 0 || at > end) return false;
  }
  return true;
}

/** A whole segment `*`: it stands for a segment, and an empty text is none. */
export function isBareStar(texts: SegmentPattern): boolean {
  return texts.length === 2 && texts[0] === '' && texts[1] === '';
}
