/** What happened, line by line. Ids and tokens are random, so they are told by the order in which they came. */
export class Story {
  readonly #lines: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  tell(line: string): void {
    this.#lines.push(this.named(line));
  }

  named(text: string): string {
    return text.replace(/\b(rt|sess|job|msg|cred)_(?!unknown|another)([\w-]{43}|\w{26})/g, (id, kind) =>
      this.#name(id, kind),
    );
  }

  last(count: number): string[] {
    return this.#lines.slice(-count);
  }

  #name(id: string, kind: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `${kind}-${count}`;
    this.#names.set(id, name);
    return name;
  }
}
