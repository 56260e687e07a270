import { isBareStar, type Pattern, type SegmentPattern } from './pattern.ts';

/** One place in a pattern: a character, any one but the separator, any number of those, any number of any, or only a way on. */
type Place = { is: 'character'; character: string } | { is: 'one' | 'some' | 'all' | 'way' };

/** A character of an alphabet; undefined stands for all those that no pattern names. */
export type Letter = string | undefined;

/**
 * Patterns as one nondeterministic automaton: a state is a place, waited at, or the end of a pattern behind its last. It
 * says the same as `covers` (src/leases/pattern.ts), in a form in which one set of patterns can be held against another.
 */
export class Automaton {
  readonly #places: (Place | 'end')[] = [];
  /** Where nothing is as good as what stands here: the states that are reached for free. */
  readonly #free = new Map<number, number[]>();
  readonly #separator: string;
  readonly start: readonly number[];
  readonly letters = new Set<string>();

  constructor(patterns: readonly Pattern[]) {
    this.#separator = patterns[0]?.separator ?? '/';
    this.letters.add(this.#separator);
    this.start = this.#close(patterns.map((pattern) => this.#add(pattern)));
  }

  isEnd(state: number): boolean {
    return this.#places[state] === 'end';
  }

  /** Where these states lead with one more character, in order and without repeats. */
  step(states: readonly number[], letter: Letter): readonly number[] {
    const next: number[] = [];
    for (const state of states) {
      const place = this.#places[state];
      if (place === undefined || place === 'end' || !this.#takes(place, letter)) continue;
      next.push(place.is === 'some' || place.is === 'all' ? state : state + 1);
    }
    return this.#close(next);
  }

  #takes(place: Place, letter: Letter): boolean {
    if (place.is === 'character') return place.character === letter;
    if (place.is === 'way') return false;
    return place.is === 'all' || letter !== this.#separator;
  }

  #close(states: readonly number[]): readonly number[] {
    const reached = new Set(states);
    // A set grows while it is walked.
    for (const state of reached) for (const free of this.#free.get(state) ?? []) reached.add(free);
    return [...reached].sort((a, b) => a - b);
  }

  #add({ runs }: Pattern): number {
    const start = this.#places.length;
    runs.forEach((run, index) => {
      const isFirst = index === 1 && runs[0]?.length === 0;
      const isLast = index === runs.length - 1 && run.length === 0;
      if (index > 0) this.#addAnySegments(isFirst, isLast);
      run.forEach((segment, at) => {
        // Behind a leading `**` the separator stands in its place.
        if (at > 0 || (index > 0 && !isFirst)) this.#character(this.#separator);
        this.#addSegment(segment);
      });
    });
    this.#places.push('end');
    return start;
  }

  /** `**`, with the separator before it, or behind it where it comes first. */
  #addAnySegments(isFirst: boolean, isLast: boolean): void {
    const from = this.#places.length;
    // Skipped is the whole from its beginning: a place that is waited at is no beginning.
    if (isFirst) this.#skippable({ is: 'way' });
    else this.#character(this.#separator);
    this.#skippable({ is: 'all' });
    if (isFirst && !isLast) this.#character(this.#separator);
    // No segment at all: neither it nor the separator that it comes with.
    if (!(isFirst && isLast)) this.#skip(from, this.#places.length);
  }

  #addSegment(texts: SegmentPattern): void {
    if (isBareStar(texts)) this.#places.push({ is: 'one' });
    texts.forEach((text, index) => {
      if (index > 0) this.#skippable({ is: 'some' });
      for (let at = 0; at < text.length; at += 1) this.#character(text.charAt(at));
    });
  }

  #character(character: string): void {
    this.letters.add(character);
    this.#places.push({ is: 'character', character });
  }

  #skippable(place: Place): void {
    this.#skip(this.#places.length, this.#places.length + 1);
    this.#places.push(place);
  }

  #skip(from: number, to: number): void {
    this.#free.set(from, [...(this.#free.get(from) ?? []), to]);
  }
}
