/** How deep the values of a frame may be nested: far above any client's, far below what a recursion can bear. */
export const depthMax = 128;

const quote = 0x22;
const backslash = 0x5c;
/** A number that no double holds has an exponent of three digits, or more than 308 of its own. */
const hugeNumber = /\d[eE]\+?\d{3}|(?<!\d)\d{309}/;

/** Why a text that is JSON is no frame all the same; undefined where it may be one. */
export function boundsFault(text: string, value: object): string | undefined {
  if (isTooDeep(text)) return `the frame is nested deeper than ${depthMax} levels`;
  // It would come back as null: JSON has no infinity.
  if (hugeNumber.test(text) && holdsInfinity(value)) return 'the frame has a number that is too large to be kept';
  return undefined;
}

/** Read off the text: whatever looks at the value afterwards may recurse. */
function isTooDeep(text: string): boolean {
  if (text.length <= 2 * depthMax) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index);
    if (char === quote) index = endOfString(text, index);
    // `[` and `{`, `]` and `}`: each pair differs in one bit.
    else if ((char | 0x20) === 0x7b) depth += 1;
    else if ((char | 0x20) === 0x7d) depth -= 1;
    if (depth > depthMax) return true;
  }
  return false;
}

/** The quote that ends the string which one begins: the next that an even number of backslashes stands before. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function holdsInfinity(value: object): boolean {
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next === 'number' && !Number.isFinite(next)) return true;
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) rest.push(inner);
  }
  return false;
}
