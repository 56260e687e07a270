// Targets in the one spelling that patterns are matched against (§9): what a tool or a server might read otherwise than we do
// is undefined, and denied. Whoever acts on a target acts on the spelling given here, not on the one that came in.

/** Longest target that is looked at. */
const targetCharsMax = 16_384;
/** Control characters, and halves of characters. */
const unsafe = /[\p{Cc}\p{Cs}]/u;
const octet = /%[0-9A-Fa-f]{2}/;
const unreserved = /^[A-Za-z0-9._~-]$/;

/** A file path: octets decoded once, no `.`, `..`, empty segment or trailing slash. Relative ones stay relative. */
export function canonicalPath(target: string): string | undefined {
  if (!isReadable(target)) return undefined;
  const path = decodeOctets(target);
  if (path === undefined || !isReadable(path) || path.includes('\\')) return undefined;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    // Above its own beginning a path is anybody's guess.
    else if (segments.pop() === undefined) return undefined;
  }
  if (path.startsWith('/')) return `/${segments.join('/')}`;
  return segments.length > 0 ? segments.join('/') : undefined;
}

/**
 * A URL with a host: scheme and host in lower case, no default port, no dot segment, no `//` in its path, no fragment, octets
 * that need no encoding decoded and the others in upper case, no slash after a bare host, none in the query (`%2F`).
 */
export function canonicalUrl(target: string): string | undefined {
  if (!isReadable(target) || /[\s\\]/.test(target)) return undefined;
  // With userinfo, what looks like the host need not be it.
  const [, authority] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]+)/.exec(target) ?? [];
  if (authority === undefined || authority.includes('@') || !URL.canParse(target)) return undefined;
  const url = new URL(target);
  const path = canonicalUrlPath(url.pathname);
  if (url.host === '' || url.host.includes('%') || path === undefined) return undefined;
  const query = url.search.replace(/%[0-9A-Fa-f]{2}/g, plainOctet).replaceAll('/', '%2F');
  return `${url.protocol}//${url.host.toLowerCase()}${path === '/' && query === '' ? '' : path}${query}`;
}

/** A name of a tool or an agent: segments between dots, none of them empty. */
export function canonicalName(target: string): string | undefined {
  return isReadable(target) && !target.split('.').includes('') ? target : undefined;
}

/** A name with slashes, as models have: no segment empty, `.` or `..`. */
export function canonicalSlashName(target: string): string | undefined {
  if (!isReadable(target) || target.includes('\\')) return undefined;
  return target.split('/').some((segment) => /^\.{0,2}$/.test(segment)) ? undefined : target;
}

function isReadable(text: string): boolean {
  return text !== '' && text.length <= targetCharsMax && !unsafe.test(text);
}

/** Decoded once; undefined where that is no UTF-8, or could be decoded once more. */
function decodeOctets(text: string): string | undefined {
  if (!octet.test(text)) return text;
  try {
    const decoded = text.replace(/(?:%[0-9A-Fa-f]{2})+/g, decodeURIComponent);
    return octet.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** An encoded slash, or an octet encoded twice, is one thing to one server and another to the next. */
function canonicalUrlPath(path: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})|%2f|%5c|%25[0-9a-f]{2}|%[01][0-9a-f]|%7f/i.test(path)) return undefined;
  const plain = path.replace(/%[0-9A-Fa-f]{2}/g, plainOctet).replace(/\/{2,}/g, '/');
  return /(?:^|\/)\.\.?(?:\/|$)/.test(plain) ? undefined : plain || '/';
}

function plainOctet(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return unreserved.test(character) ? character : encoded.toUpperCase();
}
