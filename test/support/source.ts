import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** A piece of syntax: an ESTree node, with TypeScript's own. */
export interface Syntax {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

/** A file of ours, as text and as syntax. */
export class Source {
  readonly path: string;
  readonly lines: readonly string[];
  /** Every piece of syntax, each with those around it, the innermost first. */
  readonly syntax: readonly { node: Syntax; around: readonly Syntax[] }[];
  readonly #text: string;

  constructor(path: string) {
    this.path = path;
    this.#text = readFileSync(join(repository, path), 'utf8');
    this.lines = this.#text.replace(/\n$/, '').split('\n');
    const program: unknown = parseAst(this.#text, { lang: /\.m?js$/.test(path) ? 'js' : 'ts' }, path);
    this.syntax = isSyntax(program) ? [...walk(program, [])] : [];
  }

  text(node: Syntax): string {
    return this.#text.slice(node.start, node.end);
  }

  lineOf(offset: number): number {
    return this.#text.slice(0, offset).split('\n').length;
  }

  /** `file:line: fault`, or nothing where the line says `// tidy: why`, at its end or on a line of its own above. */
  at(place: Syntax | number, fault: string): string[] {
    const line = typeof place === 'number' ? place : this.lineOf(place.start);
    const isExcused =
      /\/\/ tidy: \S/.test(this.lines[line - 1] ?? '') || /^\s*\/\/ tidy: \S/.test(this.lines[line - 2] ?? '');
    return isExcused ? [] : [`${this.path}:${line}: ${fault}`];
  }

  /** What the file imports, in whatever way, and where. */
  imports(): { node: Syntax; from: string }[] {
    return this.syntax.flatMap(({ node }) => {
      const isImport = /^(Import(Declaration|Expression)|Export(All|Named)Declaration|TSImportType)$/.test(node.type);
      const from = isImport ? literal(node.source ?? node.argument) : undefined;
      return from === undefined ? [] : [{ node, from }];
    });
  }
}

/** The sources in some folders, all below included. */
export function sourcesIn(...folders: string[]): Source[] {
  return folders.flatMap((folder) => {
    const files = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' });
    return files
      .filter((file) => /\.(ts|mjs|js)$/.test(file) && !/node_modules/.test(file))
      .map((file) => new Source(relative(repository, join(repository, folder, file))));
  });
}

export function isSyntax(value: unknown): value is Syntax {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value
  );
}

/** The name of an identifier, private ones without their sign. */
export function nameOf(value: unknown): string | undefined {
  if (!isSyntax(value)) return undefined;
  return /Identifier$/.test(value.type) && typeof value.name === 'string' ? value.name : undefined;
}

/** The value of a text literal. */
export function literal(value: unknown): string | undefined {
  if (!isSyntax(value)) return undefined;
  if (value.type === 'TSLiteralType') return literal(value.literal);
  return typeof value.value === 'string' ? value.value : undefined;
}

function* walk(node: Syntax, around: readonly Syntax[]): Generator<{ node: Syntax; around: readonly Syntax[] }> {
  yield { node, around };
  const inner = [node, ...around];
  for (const child of Object.values(node).flat()) if (isSyntax(child)) yield* walk(child, inner);
}
