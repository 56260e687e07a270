import { chartCoverage, coverageText } from '../../src/conformance/index.ts';

/** What the walks of one level have taken of these charts, and how long that took. */
export class Level {
  readonly name: string;
  readonly coverage;
  #walks = 0;
  #steps = 0;
  #seconds = 0;

  constructor(name: string, charts: Parameters<typeof chartCoverage>[0]) {
    this.name = name;
    this.coverage = chartCoverage(charts);
  }

  tally(startedMs: number, walks: readonly (readonly unknown[])[]): void {
    this.#walks += walks.length;
    this.#steps += walks.reduce((steps, walk) => steps + walk.length, 0);
    this.#seconds += (performance.now() - startedMs) / 1000;
  }

  get text(): string {
    const figures = `${this.#walks} walks, ${this.#steps} steps, ${this.#seconds.toFixed(1)} seconds`;
    return `${this.name}\n${coverageText(this.coverage.report())}\n${figures}`;
  }
}
