/** JSON in one line, also for Node's `readline`, to which two characters that JSON leaves as they are end a line. */
export function inOneLine(value: object): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
