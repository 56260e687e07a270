import type { AnyStateMachine } from 'xstate';
import { dot } from './diagram/dot.ts';
import { json } from './diagram/json.ts';
import { mermaid } from './diagram/mermaid.ts';
import { type DrawingOptions, Painting } from './diagram/painting.ts';

const drawBy = { mermaid, json };

/**
 * What a drawing can be written in. `mermaid`: a `stateDiagram-v2`, which GitHub renders. `json`: a `ChartJson`
 * (src/diagram/json.ts). SVG is drawn by `drawSvg`.
 */
export type DiagramFormat = keyof typeof drawBy;

/**
 * A machine, made from the chart that runs: the same chart gives the same text. Mermaid shows what leads from state to state;
 * what is answered without leaving a state is not drawn. A transition that states inherit from the one around them is drawn
 * where it can happen: from those that do not answer its event themselves. JSON has every transition, where it is declared.
 */
export function diagram(
  machine: AnyStateMachine,
  format: DiagramFormat = 'mermaid',
  options: DrawingOptions = {},
): string {
  return drawBy[format](machine.root, new Painting(options));
}

/**
 * A machine as an SVG document, drawn here and offline, with every transition of its chart: as an arrow, or, where it leads
 * nowhere else, as a line in its state. With `coverage`, what was taken is green and what never was is red. The same chart
 * gives the same bytes. Rejects with `MissingPackageError` unless the optional `@hpcc-js/wasm-graphviz` is installed.
 */
export async function drawSvg(machine: AnyStateMachine, options: DrawingOptions = {}): Promise<string> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz').catch((cause: unknown) => {
    throw new MissingPackageError('@hpcc-js/wasm-graphviz', { cause });
  });
  const graphviz = await Graphviz.load();
  return polished(graphviz.dot(dot(machine.root, new Painting(options)), 'svg'));
}

/** What Graphviz writes, without the notes on itself (its version is no part of a drawing), and as browsers want it. */
function polished(svg: string): string {
  return (
    svg
      .replace(/<!--[\s\S]*?-->\n?|<!DOCTYPE[^>]*>\n/g, '')
      // The name of the whole goes to the top. What a pointer is told is a title, not a link that leads nowhere.
      .replace(/(<g id="graph0"[^>]*>\n)(<title>.*<\/title>\n)/, '$2$1')
      .replace(/<a xlink:title="([^"]*)">/g, '<g><title>$1</title>')
      .replaceAll('</a>', '</g>')
      .replaceAll('"Arial"', '"Helvetica,Arial,sans-serif"')
  );
}

/** A drawing needs a package that is not installed, since whoever does not draw does without. */
export class MissingPackageError extends Error {
  constructor(name: string, options: ErrorOptions) {
    super(`an SVG is drawn by the package ${name}, which is not installed: npm install ${name}`, options);
    this.name = 'MissingPackageError';
  }
}
