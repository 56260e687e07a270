import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { isSyntax, nameOf, type Source, type Syntax, sourcesIn } from './support/source.ts';

// The rules of the house that can be read off the text (docs/ARCHITECTURE.md). Where a rule makes the code worse, the line says
// `// tidy: why`.

const machines = sourcesIn('machines');
const runtime = sourcesIn('src');
const tests = sourcesIn('test');
const examples = sourcesIn('docs/examples');
const shipped = [...machines, ...runtime];
const all = [...shipped, ...tests, ...examples];

const linesMax = 300;
const functionLinesMax = 50;
const sessionChartLinesMax = 80;

test('machines/ imports xstate and its own files, nothing else', () => {
  const foreign = machines.flatMap((source) =>
    source
      .imports()
      .flatMap(({ node, from }) => (/^(xstate$|\.\/)/.test(from) ? [] : source.at(node, `imports ${from}`))),
  );
  expect(foreign).toEqual([]);
});

test('machines/ reads no clock, draws no lots and knows no process', () => {
  const worldly =
    /^(Date|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|performance|process|crypto|console|fetch)\b/;
  const found = everyNode(machines, (source, node, [parent]) => {
    const isFree = node.type === 'Identifier' && !(parent?.type === 'MemberExpression' && parent.property === node);
    const text = source.text(isFree && parent?.type === 'MemberExpression' ? parent : node);
    return isFree && worldly.test(text) ? source.at(node, `uses ${text}`) : [];
  });
  expect(found).toEqual([]);
});

test.each([
  ['ws', /^ws$/, 'src/transports/ws.ts'],
  ['ajv', /^ajv/, 'src/wire/codec.ts'],
  ['prom-client', /^prom-client/, 'src/metrics.ts'],
  ['@opentelemetry/api', /^@opentelemetry/, 'src/tracing.ts'],
  ['xstate/graph', /^@xstate\/graph|^xstate\/graph/, 'src/conformance/paths.ts'],
])('%s is imported in one file', (_name, pattern, home) => {
  const found = shipped.flatMap((source) =>
    source.imports().flatMap(({ node, from }) =>
      // A type leaves nothing to be run.
      pattern.test(from) && source.path !== home && node.importKind !== 'type'
        ? source.at(node, `imports ${from}`)
        : [],
    ),
  );
  expect(found, `only ${home} may`).toEqual([]);
});

test('event_seq is allocated in src/log.ts alone', () => {
  const counting = /^#?(event|newest|last|next)_?(event)?_?seq$/i;
  const found = everyNode(runtime, (source, node) => {
    const counted = node.type === 'UpdateExpression' ? node.argument : node.operator === '+=' ? node.left : undefined;
    const name = isSyntax(counted) ? nameOf(counted.property ?? counted) : undefined;
    return name !== undefined && counting.test(name) && source.path !== 'src/log.ts'
      ? source.at(node, `counts ${name} up`)
      : [];
  });
  const appends = everyNode(runtime, (source, node) => {
    const callee = isSyntax(node.callee) ? source.text(node.callee) : '';
    const isAppend = node.type === 'CallExpression' && /\blog\.append$/.test(callee);
    // A job writes to its own session's log, a subscription to its subscriber's: nobody else does.
    const isWriter = ['src/jobs/job.ts', 'src/jobs/job-frames.ts', 'src/watching/subscription.ts'].includes(
      source.path,
    );
    return isAppend && !isWriter ? source.at(node, 'appends to a log') : [];
  });
  expect([...found, ...appends]).toEqual([]);
});

test('only src/connections/connection.ts writes to a connection of the runtime', () => {
  const others = runtime.filter(
    ({ path }) => !/^src\/(connections\/connection\.ts|transports\/|client|cli\/|conformance\/)/.test(path),
  );
  const found = everyNode(others, (source, node) => {
    const callee = node.type === 'CallExpression' && isSyntax(node.callee) ? source.text(node.callee) : '';
    return /transport[!?]*\.(send|sendAll)$/i.test(callee) ? source.at(node, `${callee}()`) : [];
  });
  expect(found).toEqual([]);
});

test(`a file has at most ${linesMax} lines`, () => {
  const found = all.flatMap((source) => {
    // A line that only says which sentence a test proves is no line of the test.
    const count = source.lines.filter((line) => !/^\s*\/\/ proves /.test(line)).length;
    return count > linesMax ? source.at(1, `${count} lines`) : [];
  });
  expect(found).toEqual([]);
});

test(`a function has at most ${functionLinesMax} lines`, () => {
  const found = everyNode(all, (source, node, [parent]) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return [];
    const callee = parent?.type === 'CallExpression' && isSyntax(parent.callee) ? source.text(parent.callee) : '';
    const length = source.lineOf(node.end) - source.lineOf(node.start) + 1;
    return length > functionLinesMax && !/^describe\b/.test(callee)
      ? source.at(node, `a function of ${length} lines`)
      : [];
  });
  expect(found).toEqual([]);
});

test(`the session chart has at most ${sessionChartLinesMax} lines: it is read on one screen`, () => {
  const found = everyNode(machines, (source, node) => {
    const isChart = source.path === 'machines/session.ts' && node.type === 'CallExpression';
    const length = source.lineOf(node.end) - source.lineOf(node.start) + 1;
    return isChart && length > sessionChartLinesMax ? source.at(node, `a chart of ${length} lines`) : [];
  });
  expect(found).toEqual([]);
});

test('nothing is of type any', () => {
  expect(everyNode(all, (source, node) => (node.type === 'TSAnyKeyword' ? source.at(node, 'any') : []))).toEqual([]);
});

test('a type is asserted of parsed JSON alone, or by as const, or to tell XState types', () => {
  const found = everyNode(all, (source, node) => {
    if (node.type === 'TSNonNullExpression') return source.at(node, source.text(node));
    if (node.type !== 'TSAsExpression' && node.type !== 'TSTypeAssertion') return [];
    const text = source.text(node);
    const isAllowed = /\bas const$/.test(text) || /^JSON\.parse\(/.test(text) || /^\{\} as /.test(text);
    return isAllowed ? [] : source.at(node, text.split('\n')[0] ?? '');
  });
  expect(found).toEqual([]);
});

test('no test sleeps', () => {
  const inTests = tests.filter(({ path }) => !path.startsWith('test/bench/'));
  const found = everyNode(inTests, (source, node, [parent]) => {
    const isTimer = node.type === 'CallExpression' && /^(setTimeout|sleep|delay|wait)$/.test(nameOf(node.callee) ?? '');
    const isLimit = parent?.type === 'MemberExpression' && nameOf(parent.property) === 'unref';
    const durations = isTimer && Array.isArray(node.arguments) ? node.arguments.map((argument) => argument.value) : [];
    const isLong = durations.some((value) => typeof value === 'number' && value > 0);
    return isLong && !isLimit ? source.at(node, source.text(node).split('\n')[0] ?? '') : [];
  });
  expect(found).toEqual([]);
});

test('no flag stands for a state', () => {
  const stateful =
    /^#?_?(is|was|has|did)?_?(clos(ed|ing)|open(ed)?|live|alive|resum(ed|ing)|attached|detached|expired|ended|connected|disconnected|start(ed)?|stopp(ed|ing)|finished|destroyed|shut_?down|cancell?(ed|ing)|settled|draining|handshak(en|ing)|authenticated)$/i;
  const found = everyNode(shipped, (source, node, [parent]) => {
    if (!/^(PropertyDefinition|TSPropertySignature|VariableDeclarator)$/.test(node.type)) return [];
    const isConstant = parent?.type === 'VariableDeclaration' && parent.kind === 'const';
    const name = nameOf(node.key ?? node.id) ?? '';
    const isFlag = stateful.test(name) && /^[^=(]*:\s*boolean\b|=\s*(true|false);?$/.test(source.text(node));
    return isFlag && !isConstant ? source.at(node, `${name} is a missing state`) : [];
  });
  expect(found).toEqual([]);
});

test('nothing is called Manager, Helper, Util or Handler', () => {
  const vague = /manager|helper|utils?\b|handler/i;
  const files = all.flatMap((source) =>
    vague.test(basename(source.path)) ? source.at(1, 'the name of the file') : [],
  );
  const types = everyNode(all, (source, node) => {
    const isNamed = /^(Class|TSInterface|TSTypeAlias)(Declaration|Expression)?/.test(node.type);
    const name = isNamed ? (nameOf(node.id) ?? '') : '';
    return /(Manager|Helper|Utils?|Handler)(?![a-z])/.test(name) ? source.at(node, name) : [];
  });
  expect([...files, ...types]).toEqual([]);
});

test('a file that only passes on what others export is an index.ts or an entry of the package', () => {
  const entries = ['src/index.ts', 'src/client.ts', 'machines/index.ts'];
  const found = shipped.flatMap((source) => {
    const [program] = source.syntax;
    const body = program && Array.isArray(program.node.body) ? program.node.body.filter(isSyntax) : [];
    const passed = body.filter((node) => /^Export(All|Named)Declaration$/.test(node.type) && isSyntax(node.source));
    if (entries.includes(source.path) || basename(source.path) === 'index.ts') return [];
    return passed.flatMap((node) => source.at(node, source.text(node)));
  });
  expect(found).toEqual([]);
});

test('docs/ARCHITECTURE.md says of every dependency why it is there', () => {
  const architecture = new URL('../docs/ARCHITECTURE.md', import.meta.url);
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(read('package.json'));
  const names = Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
  const text = existsSync(architecture) ? readFileSync(architecture, 'utf8') : '';
  expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test('package-lock.json names no registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved"/);
});

/** What a rule finds fault with, in every piece of syntax of some sources; `around` begins with the innermost. */
function everyNode(
  sources: readonly Source[],
  rule: (source: Source, node: Syntax, around: readonly Syntax[]) => string[],
): string[] {
  return sources.flatMap((source) => source.syntax.flatMap(({ node, around }) => rule(source, node, around)));
}

function read(name: string): string {
  return readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
}
