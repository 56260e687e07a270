// §8 of the protocol: what a lease_request may be, and 10,000 leases with a child each.
import { describe, expect, test } from 'vitest';
import { Budget } from '../../src/leases/budget.ts';
import { coveredTarget, type Lease, readLease, requireSubset } from '../../src/leases/lease.ts';
import { ArcpError } from '../../src/wire/errors.ts';
import { seeded } from '../support/socket.ts';
import { bruteCovers, everyText } from './brute.ts';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ArcpError) return error.code;
    throw error;
  }
  return 'granted';
}

describe('§8 what a lease_request may be', () => {
  const good: Record<string, unknown>[] = [
    {},
    { 'fs.read': [] },
    { 'fs.read': ['/data/**', '/', '/a/', '**', 'src/*', '/[id]/{x}?', '/100%'], 'fs.write': ['/tmp/*'] },
    {
      'net.fetch': [
        'https://h.example/',
        'https://h.example',
        '**',
        '*://h.example/**',
        's3://b/**',
        'http://h:8080/**',
      ],
    },
    { 'tool.call': ['*', '**', 'a.*.b', '**a**a**a'], 'agent.delegate': ['team.*'] },
    { 'model.use': ['vendor/*'], 'x-vendor.acme.rooms': ['a/*'] },
    { 'cost.budget': ['USD:5.00', 'EUR:1', 'credits:1000', 'x_y-1:0.000001', 'ZERO:0'] },
  ];
  for (const request of good) {
    // proves P8.01
    test(`§8 ${JSON.stringify(request)} is granted as it was asked for`, () => {
      expect(readLease(request).granted).toEqual(request);
    });
  }

  const many = (count: number, make: (at: number) => string) => Array.from({ length: count }, (_, at) => make(at));
  const bad: [what: string, request: Record<string, unknown>][] = [
    ['an unknown namespace', { 'fs.delete': ['/**'] }],
    ['a namespace in another case', { 'FS.read': ['/**'] }],
    ['a vendor’s without a name', { 'x-vendor.': ['a'] }],
    ['a vendor’s with a space', { 'x-vendor.a b': ['a'] }],
    ['__proto__', JSON.parse('{"__proto__": ["/**"]}')],
    ['constructor', { constructor: ['/**'] }],
    ['a text for a list', { 'fs.read': '/data/**' }],
    ['null for a list', { 'fs.read': null }],
    ['a number for a pattern', { 'fs.read': [7] }],
    ['an object for a pattern', { 'fs.read': [{ toString: '/**' }] }],
    ['an empty pattern', { 'fs.read': [''] }],
    ['an exception', { 'fs.read': ['/**', '!/etc/**'] }],
    ['a NUL', { 'fs.read': ['/a\u0000'] }],
    ['a newline', { 'tool.call': ['a\n'] }],
    ['half a character', { 'tool.call': ['\ud800'] }],
    ['dots in a path', { 'fs.read': ['/a/../b'] }],
    ['a dot in a path', { 'fs.read': ['/a/./b'] }],
    ['an empty segment in a path', { 'fs.read': ['/a//b'] }],
    ['a backslash in a path', { 'fs.read': ['C:\\data'] }],
    ['percent-encoding in a path', { 'fs.read': ['/a%20b'] }],
    ['a URL without a scheme', { 'net.fetch': ['api.example.com/**'] }],
    ['a host in upper case', { 'net.fetch': ['https://Example.com/**'] }],
    ['a default port', { 'net.fetch': ['https://example.com:443/**'] }],
    ['a user in a URL', { 'net.fetch': ['https://a@example.com/**'] }],
    ['a fragment', { 'net.fetch': ['https://example.com/#a'] }],
    ['a space in a URL', { 'net.fetch': ['https://example.com/a b'] }],
    ['dots in a URL', { 'net.fetch': ['https://example.com/a/../**'] }],
    ['an empty segment in a name', { 'tool.call': ['a..b'] }],
    ['a dot at the end of a name', { 'agent.delegate': ['a.'] }],
    ['an empty segment in a model', { 'model.use': ['a//b'] }],
    ['a pattern of 513 characters', { 'fs.read': [`/${'a'.repeat(512)}`] }],
    ['a pattern of 65 segments', { 'tool.call': [many(65, () => 'a').join('.')] }],
    ['257 patterns', { 'fs.read': many(200, (at) => `/${at}`), 'fs.write': many(57, (at) => `/${at}`) }],
    ['33 namespaces', Object.fromEntries(many(33, (at) => `x-vendor.v${at}`).map((name) => [name, []]))],
    ['an amount that is no number', { 'cost.budget': ['USD:five'] }],
    ['a negative amount', { 'cost.budget': ['USD:-1'] }],
    ['an amount with an exponent', { 'cost.budget': ['USD:1e9'] }],
    ['an amount without a currency', { 'cost.budget': [':1'] }],
    ['an amount without digits behind its point', { 'cost.budget': ['USD:1.'] }],
    ['an amount that is a number', { 'cost.budget': [5] }],
    ['an amount of 19 digits', { 'cost.budget': ['USD:1234567890123456789'] }],
    ['a currency twice', { 'cost.budget': ['USD:1', 'USD:2'] }],
    ['17 currencies', { 'cost.budget': many(17, (at) => `C${at}:1`) }],
  ];
  for (const [what, request] of bad) {
    // proves P8.01
    test(`§8 ${what} is INVALID_REQUEST`, () => {
      expect(codeOf(() => readLease(request))).toBe('INVALID_REQUEST');
    });
  }
});

describe('§8 fail closed', () => {
  const lease = readLease({ 'fs.read': ['/**'], 'tool.call': ['**'] });
  const odd: [string, unknown][] = [
    ['fs.write', '/a'],
    ['fs.read', undefined],
    ['fs.read', 7],
    ['fs.read', ['/a']],
    ['fs.read', { toString: () => '/a' }],
    ['cost.budget', 'USD:1'],
    ['__proto__', 'a'],
    ['', 'a'],
    ['tool.call', ''],
    ['fs.read', `/${'a/'.repeat(1024)}a`],
  ];
  for (const [namespace, target] of odd) {
    test(`§8 ${namespace || 'no namespace'} with ${JSON.stringify(target)?.slice(0, 30)} is denied`, () => {
      expect(coveredTarget(lease, namespace, target)).toBeUndefined();
    });
  }
  test('§8 an empty list allows nothing', () => {
    expect(coveredTarget(readLease({ 'fs.read': [] }), 'fs.read', '/')).toBeUndefined();
  });
});

describe('§8 children', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seed ${seed}`);
  const draw = seeded(seed);
  const one = <Item>(items: readonly [Item, ...Item[]]): Item => items[draw(items.length)] ?? items[0];
  const separators = { 'fs.read': '/', 'tool.call': '.', 'model.use': '/', 'x-vendor.acme': '/' } as const;
  const names = ['fs.read', 'tool.call', 'model.use', 'x-vendor.acme'] as const;
  const segment = () => one(['a', 'b', 'ab', '*', 'a*', '*b', '**', '**']);
  const patternOf = (name: (typeof names)[number]) => {
    const text = Array.from({ length: 1 + draw(3) }, segment).join(separators[name]);
    return name === 'fs.read' ? `/${text}` : text;
  };
  const amount = (currency: string) => `${currency}:${draw(30)}.${draw(10)}`;
  const requestOf = (): Record<string, string[]> => {
    const chosen = names.filter(() => draw(3) > 0);
    const lists = chosen.map((name) => [name, Array.from({ length: 1 + draw(2) }, () => patternOf(name))]);
    const budget = draw(2) === 0 ? { 'cost.budget': [amount('USD'), ...(draw(2) ? [amount('EUR')] : [])] } : {};
    return { ...Object.fromEntries(lists), ...budget };
  };
  /** A child that keeps some of its parent's patterns and makes others up: so that not all are refused. */
  const childOf = (parent: Record<string, string[]>): Record<string, string[]> => {
    const kept = Object.entries(parent).filter(() => draw(4) > 0);
    const invented = draw(3) === 0 ? requestOf() : {};
    return { ...invented, ...Object.fromEntries(kept.filter(([name]) => draw(6) > 0 || name === 'cost.budget')) };
  };
  const targets = new Map(
    (['/', '.'] as const).map((separator) => [separator, everyText(['a', 'b', separator], 5)] as const),
  );
  const targetsOf = (name: (typeof names)[number]) =>
    (targets.get(separators[name]) ?? []).map((text) => (name === 'fs.read' ? `/${text}` : text));

  /** Which targets a pattern covers, by the definition; each pattern is tried once. */
  const coveredBy = new Map<string, readonly boolean[]>();
  function brute(name: (typeof names)[number], pattern: string): readonly boolean[] {
    const key = `${name} ${pattern}`;
    const known = coveredBy.get(key);
    const covered = known ?? targetsOf(name).map((target) => bruteCovers(pattern, target, separators[name]));
    coveredBy.set(key, covered);
    return covered;
  }

  function accepts(child: Lease, parent: Lease): boolean {
    return (
      codeOf(() => {
        requireSubset(child, parent);
        new Budget(parent.amounts).reserve(child.amounts);
      }) === 'granted'
    );
  }

  // proves P8.15
  test('§8 10,000 random parents and children: no child allows a target, or an amount, that its parent does not', () => {
    const tally = { accepted: 0, refused: 0 };
    for (let round = 0; round < 10_000; round += 1) {
      const asked = requestOf();
      const wanted = childOf(asked);
      const [parent, child] = [readLease(asked), readLease(wanted)];
      const isAccepted = accepts(child, parent);
      tally[isAccepted ? 'accepted' : 'refused'] += 1;
      if (!isAccepted) continue;
      for (const name of names) {
        const outer = (asked[name] ?? []).map((pattern) => brute(name, pattern));
        for (const pattern of wanted[name] ?? []) {
          const escaped = brute(name, pattern).findIndex((is, at) => is && !outer.some((covered) => covered[at]));
          expect(escaped, `${name} ${pattern} of ${JSON.stringify(wanted)} within ${JSON.stringify(asked)}`).toBe(-1);
        }
      }
      for (const [currency, wants] of child.amounts) {
        expect(Number(parent.amounts.get(currency))).toBeGreaterThanOrEqual(Number(wants));
      }
    }
    console.info(tally);
    expect(Math.min(tally.accepted, tally.refused)).toBeGreaterThan(1000);
  });

  // proves P8.15
  test('§8 equal is allowed; a namespace of its own is not', () => {
    const lease = readLease({ 'fs.read': ['/a/**'], 'cost.budget': ['USD:1'] });
    expect(accepts(lease, lease)).toBe(true);
    expect(accepts(readLease({ 'fs.write': ['/a'] }), lease)).toBe(false);
    expect(accepts(readLease({ 'fs.write': [] }), lease)).toBe(true);
    expect(accepts(readLease({ 'fs.read': ['/a/**', '/b'] }), lease)).toBe(false);
    expect(accepts(readLease({ 'cost.budget': ['EUR:1'] }), lease)).toBe(false);
  });
});
