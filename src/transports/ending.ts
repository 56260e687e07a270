/** The end of a transport, told exactly once, to a listener registered before it or after it. */
export class Ending {
  #end: { code: number; reason: string } | undefined;
  #listener: ((code: number, reason: string) => void) | undefined;

  get told(): boolean {
    return this.#end !== undefined;
  }

  /** Tells the end; the first one counts, later ones are nothing. */
  tell(code: number, reason = ''): void {
    if (this.#end) return;
    this.#end = { code, reason };
    this.#listener?.(code, reason);
  }

  listen(listener: (code: number, reason: string) => void): void {
    this.#listener = listener;
    const end = this.#end;
    if (end) queueMicrotask(() => listener(end.code, end.reason));
  }
}
