import { ArcpError } from '../wire/errors.ts';
import { type Pattern, readPattern } from './pattern.ts';
import { canonicalName, canonicalPath, canonicalSlashName, canonicalUrl } from './target.ts';

/** Longest pattern, most of them in one lease, over all its namespaces, and most segments in one. */
const patternCharsMax = 512;
export const patternsMax = 256;
const segmentsMax = 64;

/** What a namespace's patterns and targets are (§9.2). `cost.budget` has amounts instead (src/leases/budget.ts). */
interface Kind {
  separator: '/' | '.';
  /** The one spelling of a target; undefined where it has none, and nothing covers it. */
  canonical(target: string): string | undefined;
  /** Why a pattern is none, or could cover nothing as it is written. */
  fault(pattern: string): string | undefined;
}

const path: Kind = { separator: '/', canonical: canonicalPath, fault: faultOfPath };
const url: Kind = { separator: '/', canonical: canonicalUrl, fault: faultOfUrl };
const name: Kind = { separator: '.', canonical: canonicalName, fault: faultOfName };
const slashName: Kind = { separator: '/', canonical: canonicalSlashName, fault: faultOfSlashName };

const kindByNamespace = new Map<string, Kind>([
  ['fs.read', path],
  ['fs.write', path],
  ['net.fetch', url],
  ['tool.call', name],
  ['agent.delegate', name],
  ['model.use', slashName],
]);

/** The kind of a namespace that has patterns; undefined for any other. */
export function kindOf(namespace: string): Kind | undefined {
  return kindByNamespace.get(namespace) ?? (/^x-vendor\.[\w.-]{1,128}$/.test(namespace) ? slashName : undefined);
}

/** Checks and reads a pattern; `INVALID_REQUEST` says what is wrong with it. */
export function readPatternOf(namespace: string, { separator, fault }: Kind, text: unknown): Pattern {
  const problem = typeof text === 'string' ? (faultOfAny(text, separator) ?? fault(text)) : 'must be a text';
  if (typeof text !== 'string' || problem !== undefined) {
    throw new ArcpError('INVALID_REQUEST', `lease_request: a pattern of ${namespace} ${problem}`);
  }
  const pattern = readPattern(spelling(text, separator), separator);
  return { ...pattern, text };
}

function faultOfAny(text: string, separator: '/' | '.'): string | undefined {
  if (text === '') return 'must not be empty';
  if (text.length > patternCharsMax) return `has at most ${patternCharsMax} characters`;
  if (text.split(separator).length > segmentsMax) return `has at most ${segmentsMax} segments`;
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return 'has no control characters';
  // Taken for a plain text, what was meant as an exception would be lost, and its rule stay.
  return text.startsWith('!') ? 'cannot begin with !: a lease has no exceptions' : undefined;
}

/** Targets have no slash at their end, nor behind a bare host. */
function spelling(text: string, separator: '/' | '.'): string {
  return separator === '/' && text !== '/' ? text.replace(/\/$/, '') : text;
}

function faultOfPath(text: string): string | undefined {
  if (text.includes('\\')) return 'has no backslash: paths are written with /';
  if (/%[0-9A-Fa-f]{2}/.test(text)) return 'has no percent-encoding: targets are decoded before they are compared';
  return faultOfSegments(text.replace(/^\//, ''));
}

function faultOfUrl(text: string): string | undefined {
  if (/[^!-~]|[\\#]/.test(text)) return 'has no spaces, backslashes, fragment or characters beyond ASCII';
  const [, scheme = '', authority = '', rest = ''] = /^([^/]*):\/\/([^/]*)(.*)$/.exec(text) ?? [];
  if (scheme === '') return text.startsWith('*') ? undefined : 'must be scheme://host/… or begin with *';
  if (authority.includes('@')) return 'names no user: such targets are denied';
  if (/[A-Z]/.test(scheme + authority)) return 'has scheme and host in lower case';
  if (/^(?:https|wss):.*:443$|^(?:http|ws):.*:80$/.test(`${scheme}:${authority}`)) return 'names no default port';
  if (/%(?![0-9A-F]{2})|%2F|%5C/.test(rest.replace(/\?.*$/, ''))) return 'has %XX in upper case, and no encoded slash';
  return faultOfSegments(rest.replace(/\?.*$/, '').replace(/^\//, ''));
}

function faultOfName(text: string): string | undefined {
  return text.split('.').includes('') ? 'has no empty segment' : undefined;
}

function faultOfSlashName(text: string): string | undefined {
  return text.includes('\\') ? 'has no backslash' : faultOfSegments(text);
}

function faultOfSegments(text: string): string | undefined {
  const segments = text.replace(/\/$/, '').split('/');
  if (segments.includes('.') || segments.includes('..')) return 'has no segment . or ..';
  return segments.includes('') && segments.length > 1 ? 'has no empty segment' : undefined;
}
