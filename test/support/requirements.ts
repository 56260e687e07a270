import { existsSync, readFileSync } from 'node:fs';
import { isSyntax, type Source, type Syntax, sourcesIn } from './source.ts';

/** A sentence of the protocol as docs/requirements.json has it: `P6.14` is the 14th of its part 6. */
export interface Requirement {
  id: string;
  section: string;
  sentence: string;
}

/** A test that says `// proves P6.14` on the line above it. */
export interface Citation {
  id: string;
  path: string;
  line: number;
  /** The test's title as it is written, or undefined where what follows the comment is no test that runs. */
  title: string | undefined;
}

const file = new URL('../../docs/requirements.json', import.meta.url);

/** Every sentence of the protocol, in its order. */
export function requirements(): Requirement[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Requirement[]) : [];
}

/** Every `// proves …` in the tests. */
export function citations(): Citation[] {
  return sourcesIn('test').flatMap((source) => {
    const titles = titlesByLine(source);
    return source.lines.flatMap((text, index) => {
      const [, ids] = /^\s*\/\/ proves (P\d+\.\d\d(?:, P\d+\.\d\d)*)$/.exec(text) ?? [];
      const line = index + 1;
      const title = titles.get(line + 1);
      return (ids?.split(', ') ?? []).map((id) => ({ id, path: source.path, line, title }));
    });
  });
}

/** The titles of tests that run, by the line they begin on: `test(…)`, `test.each(…)(…)`, `test.skipIf(…)(…)`. */
function titlesByLine(source: Source): Map<number, string> {
  const titles = new Map<number, string>();
  for (const { node } of source.syntax) {
    if (node.type !== 'CallExpression' || !isSyntax(node.callee) || !Array.isArray(node.arguments)) continue;
    const [title]: unknown[] = node.arguments;
    const isTest = /^(test|it)(\.(each|skipIf|runIf)\b[\s\S]*)?$/.test(source.text(node.callee));
    if (isTest && isSyntax(title) && isTitle(title))
      titles.set(source.lineOf(node.start), source.text(title).slice(1, -1));
  }
  return titles;
}

function isTitle({ type, value }: Syntax): boolean {
  return type === 'TemplateLiteral' || typeof value === 'string';
}

const partTitles: Readonly<Record<string, string>> = {
  P1: 'Transports and envelope',
  P2: 'Handshake',
  P3: "The session's life",
  P4: 'Ack and back-pressure',
  P5: 'Listing and subscribing',
  P6: 'Jobs',
  P7: 'Events',
  P8: 'Leases and delegation',
  P9: 'Errors',
  P10: 'Dialects',
};

/** The part of docs/CONFORMANCE.md that says which test proves which sentence. */
export function requirementsText(): string {
  const pathsById = new Map<string, Set<string>>();
  for (const { id, path } of citations()) pathsById.set(id, (pathsById.get(id) ?? new Set()).add(path));
  const rows = requirements();
  const parts = [...new Set(rows.map(({ id }) => id.split('.')[0] ?? ''))];
  return [
    '',
    '# The protocol, sentence by sentence',
    '',
    `${rows.length} sentences of [requirements.json](requirements.json), each with the tests that prove it: they say \`// proves P6.14\``,
    'above their title, and a test fails where a sentence has none.',
    ...parts.flatMap((part) => [
      '',
      `## ${partTitles[part] ?? part}`,
      '',
      '| id | § | sentence | proved in |',
      '| --- | --- | --- | --- |',
      ...rows.filter(({ id }) => id.startsWith(`${part}.`)).map((row) => rowText(row, pathsById.get(row.id))),
    ]),
    '',
  ].join('\n');
}

function rowText({ id, section, sentence }: Requirement, paths: ReadonlySet<string> = new Set()): string {
  const links = [...paths].sort().map((path) => `[${path.replace(/^test\/|(\.test)?\.ts$/g, '')}](../${path})`);
  return `| ${id} | ${section} | ${sentence.replaceAll('*', '\\*')} | ${links.join(', ')} |`;
}
