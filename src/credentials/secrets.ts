/** Longest chain of causes that is told of an error. */
const causesMax = 5;
/** What is shorter would be found where it is not meant. */
const secretCharsMin = 8;

/**
 * What a job must not let out, though its agent knows it: the values of its credentials (§9.8), those rotated away included.
 * Whatever the agent says in an event, a result or an exception is searched for them.
 */
export class Secrets {
  /** Each spelling of each value, with what stands in its place. */
  readonly #marks = new Map<string, string>();
  /** How many values there have been. */
  count = 0;

  /** `mark` is plain text: it is put into JSON as it is. */
  add(value: string, mark: string): void {
    if (this.#marks.has(value)) return;
    this.count += 1;
    // Quotes and backslashes are never plain in JSON, and are not looked for in it.
    const spellings = [JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
    for (const encoding of ['base64', 'base64url', 'hex'] as const)
      spellings.push(Buffer.from(value).toString(encoding));
    for (const spelling of spellings) if (spelling.length >= secretCharsMin) this.#marks.set(spelling, mark);
  }

  /** A text, or a JSON text, with every secret replaced; undefined stays undefined. */
  hide<Text extends string | undefined>(text: Text): Text | string {
    if (text === undefined || this.#marks.size === 0) return text;
    let hidden: string = text;
    for (const [spelling, mark] of this.#marks)
      if (hidden.includes(spelling)) hidden = hidden.replaceAll(spelling, mark);
    return hidden;
  }

  /** An agent's exception as it may be logged: itself where there is nothing to hide, else its words without the secrets. */
  without(error: unknown, depth = 0): unknown {
    if (this.#marks.size === 0) return error;
    if (!(error instanceof Error)) return this.#hidePlain(String(error));
    const { name, message, stack, cause } = error;
    const told = {
      name: this.#hidePlain(name),
      message: this.#hidePlain(message),
      stack: this.#hidePlain(stack ?? ''),
    };
    return cause === undefined || depth === causesMax ? told : { ...told, cause: this.without(cause, depth + 1) };
  }

  #hidePlain(text: string): string {
    const hidden: string = JSON.parse(this.hide(JSON.stringify(text)));
    return hidden;
  }
}
