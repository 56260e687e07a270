// What a pattern means (§9), written as its definition reads and for no other purpose: slow, and plainly right.

/** Whether a pattern covers a target, every possibility tried. */
export function bruteCovers(pattern: string, target: string, separator: string): boolean {
  return segmentsCover(pattern.split(separator), target.split(separator));
}

/** `**` is any number of segments, none included; any other segment of the pattern is one of the target. */
function segmentsCover([first, ...others]: string[], parts: string[]): boolean {
  if (first === undefined) return parts.length === 0;
  if (first === '**') return parts.some((_, at) => segmentsCover(others, parts.slice(at))) || segmentsCover(others, []);
  const [part, ...rest] = parts;
  return part !== undefined && segmentCovers(first, part) && segmentsCover(others, rest);
}

function segmentCovers(pattern: string, part: string): boolean {
  return /^\*+$/.test(pattern) ? part !== '' : textCovers(pattern, part);
}

/** `*` is any number of characters, none included. */
function textCovers(pattern: string, part: string): boolean {
  if (pattern === '') return part === '';
  if (pattern[0] !== '*') return pattern[0] === part[0] && textCovers(pattern.slice(1), part.slice(1));
  for (let taken = 0; taken <= part.length; taken += 1) {
    if (textCovers(pattern.slice(1), part.slice(taken))) return true;
  }
  return false;
}

/** Every text over an alphabet, up to a length. */
export function everyText(alphabet: readonly string[], lengthMax: number): string[] {
  const texts = [''];
  let from = 0;
  for (let length = 1; length <= lengthMax; length += 1) {
    const to = texts.length;
    for (let at = from; at < to; at += 1) for (const letter of alphabet) texts.push(`${texts[at]}${letter}`);
    from = to;
  }
  return texts;
}
