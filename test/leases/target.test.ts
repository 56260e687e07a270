// §8 of the protocol: targets in one spelling before they are compared, and the table of docs/leases.md.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { coveredTarget, readLease } from '../../src/leases/lease.ts';
import { canonicalName, canonicalPath, canonicalSlashName, canonicalUrl } from '../../src/leases/target.ts';

describe('§8 the examples of docs/leases.md', () => {
  const text = readFileSync(new URL('../../docs/leases.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([^`]+)` +\| `([^`]+)` +\| `([^`]+)` +\| (covered|denied) +\|$/gm)];
  test('§8 there are many', () => expect(rows.length).toBeGreaterThan(40));
  for (const [, namespace = '', pattern = '', target = '', verdict] of rows) {
    // proves P8.02, P8.03
    test(`§8 ${namespace} ${pattern}: ${target} is ${verdict}`, () => {
      const lease = readLease({ [namespace]: [pattern] });
      expect(coveredTarget(lease, namespace, target) === undefined ? 'denied' : 'covered').toBe(verdict);
      // A grant in one namespace is none in another.
      expect(coveredTarget(lease, namespace === 'fs.read' ? 'fs.write' : 'fs.read', target)).toBeUndefined();
    });
  }
});

type Spellings = [target: string, canonical: string | undefined][];

function spellings(what: string, canonical: (target: string) => string | undefined, cases: Spellings): void {
  for (const [target, expected] of cases) {
    const shown = JSON.stringify(target.length > 60 ? `${target.slice(0, 60)}…` : target);
    // proves P8.04
    test(`§8 ${what}: ${shown} is ${expected === undefined ? 'denied' : JSON.stringify(expected)}`, () => {
      expect(canonical(target)).toBe(expected);
      // What is canonical stays as it is.
      if (expected !== undefined) expect(canonical(expected)).toBe(expected);
    });
  }
}

describe('§8 paths', () => {
  spellings('path', canonicalPath, [
    ['/a/b', '/a/b'],
    ['/', '/'],
    ['///', '/'],
    ['/a/b/', '/a/b'],
    ['//a//b', '/a/b'],
    ['/a/./b/.', '/a/b'],
    ['/a/x/../b', '/a/b'],
    ['/a/..', '/'],
    ['/..', undefined],
    ['/a/../../b', undefined],
    ['a/../b', 'b'],
    ['./a', 'a'],
    ['..', undefined],
    ['a/..', undefined],
    ['.', undefined],
    ['', undefined],
    ['/a%20b', '/a b'],
    ['/%61', '/a'],
    ['/a/%2e%2e/b', '/b'],
    ['/a/%2E%2E/b', '/b'],
    ['/a%2fb', '/a/b'],
    ['/a/..%2f..%2fetc', undefined],
    ['/%252e%252e/b', undefined],
    ['/%25', '/%'],
    ['/100%', '/100%'],
    ['/100%/b', '/100%/b'],
    ['/%c3%a9', '/é'],
    ['/%c3', undefined],
    ['/%00', undefined],
    ['/a\u0000b', undefined],
    ['/a\nb', undefined],
    ['/a\\..\\b', undefined],
    ['/a%5c..%5cb', undefined],
    ['/\ud800', undefined],
    ['/A', '/A'],
    ['/...', '/...'],
    [`/${'a'.repeat(20_000)}`, undefined],
  ]);
});

describe('§8 URLs', () => {
  spellings('URL', canonicalUrl, [
    ['https://h.example/a', 'https://h.example/a'],
    ['https://h.example/', 'https://h.example'],
    ['https://h.example', 'https://h.example'],
    ['https://h.example/?q=1', 'https://h.example/?q=1'],
    ['HTTPS://H.Example/A', 'https://h.example/A'],
    ['https://h.example:443/a', 'https://h.example/a'],
    ['http://h.example:80/a', 'http://h.example/a'],
    ['https://h.example:80/a', 'https://h.example:80/a'],
    ['https://h.example/a/../b', 'https://h.example/b'],
    ['https://h.example/a/%2e%2E/b', 'https://h.example/b'],
    ['https://h.example/a/.%2e/b', 'https://h.example/b'],
    ['https://h.example/a//b', 'https://h.example/a/b'],
    ['https://h.example/a/', 'https://h.example/a/'],
    ['https://h.example/%7ea', 'https://h.example/~a'],
    ['https://h.example/%c3%a9', 'https://h.example/%C3%A9'],
    ['https://h.example/é', 'https://h.example/%C3%A9'],
    ['https://h.example/a#b', 'https://h.example/a'],
    ['https://h.example/a?b=c/d', 'https://h.example/a?b=c%2Fd'],
    ['https://h.example/a%2fb', undefined],
    ['https://h.example/a%5cb', undefined],
    ['https://h.example/%252e%252e', undefined],
    ['https://h.example/%00', undefined],
    ['https://h.example/%', undefined],
    ['https://h.example\\@evil.example/', undefined],
    ['https://user@h.example/', undefined],
    ['https://user:pass@h.example/', undefined],
    ['https://@h.example/', undefined],
    ['https://h.example/a@b', 'https://h.example/a@b'],
    ['https:h.example/a', undefined],
    ['https:/h.example/a', undefined],
    ['https:///h.example/a', undefined],
    ['//h.example/a', undefined],
    ['/a', undefined],
    ['file:///etc/passwd', undefined],
    ['javascript:alert(1)', undefined],
    ['data:text/plain,a', undefined],
    ['https://h.exa\tmple/', undefined],
    [' https://h.example/', undefined],
    ['https://0x7f.1/', 'https://127.0.0.1'],
    ['https://[::1]/a', 'https://[::1]/a'],
    ['https://ex%61mple.org/', 'https://example.org'],
    ['s3://Bucket/a/../b', 's3://bucket/b'],
    ['s3://buck%65t/a', undefined],
    ['', undefined],
  ]);
});

describe('§8 names', () => {
  spellings('name', canonicalName, [
    ['search.web', 'search.web'],
    ['search', 'search'],
    ['mcp/server:tool', 'mcp/server:tool'],
    ['', undefined],
    ['.search', undefined],
    ['search.', undefined],
    ['a..b', undefined],
    ['a\u0007', undefined],
  ]);
  spellings('name with slashes', canonicalSlashName, [
    ['anthropic/claude-1.5', 'anthropic/claude-1.5'],
    ['a//b', undefined],
    ['/a', undefined],
    ['a/', undefined],
    ['a/../b', undefined],
    ['a/./b', undefined],
    ['a\\b', undefined],
    ['', undefined],
  ]);
});
