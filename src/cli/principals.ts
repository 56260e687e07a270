import { readFile } from 'node:fs/promises';
import { badUsage } from './exit.ts';

/** Who each bearer token is, from `--token` and `--tokens`; undefined where neither was given. No message quotes a token. */
export async function readPrincipals(given: {
  token?: readonly string[];
  tokens?: string;
}): Promise<Record<string, string> | undefined> {
  if (given.token === undefined && given.tokens === undefined) return undefined;
  const principalByToken = new Map<string, string>();
  const pairs = [
    ...(given.tokens === undefined ? [] : await readTable(given.tokens)),
    ...(given.token ?? []).map(parted),
  ];
  for (const [token, principal] of pairs) {
    const known = principalByToken.get(token);
    if (known !== undefined && known !== principal) {
      throw badUsage(`one token is given for two principals, ${known} and ${principal}`);
    }
    principalByToken.set(token, principal);
  }
  return Object.fromEntries(principalByToken);
}

/** `TOKEN=PRINCIPAL`, parted at the last `=`: base64 tokens end with some. */
function parted(text: string): [token: string, principal: string] {
  const at = text.lastIndexOf('=');
  if (at < 1 || at === text.length - 1) throw badUsage('--token must be TOKEN=PRINCIPAL, neither of them empty');
  return [text.slice(0, at), text.slice(at + 1)];
}

async function readTable(file: string): Promise<[token: string, principal: string][]> {
  const text = await readFile(file, 'utf8').catch((error) => {
    throw badUsage(`--tokens ${file}: it cannot be read (${error instanceof Error ? error.message : error})`);
  });
  const entries = Object.entries(parse(file, text)).map(([token, principal]): [string, string] => {
    if (token === '' || typeof principal !== 'string' || principal === '') throw notATable(file);
    return [token, principal];
  });
  if (entries.length === 0) throw badUsage(`--tokens ${file}: it has no token`);
  return entries;
}

function parse(file: string, text: string): object {
  let table: unknown;
  try {
    table = JSON.parse(text);
  } catch {
    // The parser's own message would quote the text, and with it a token.
    throw badUsage(`--tokens ${file}: it is not JSON`);
  }
  if (typeof table !== 'object' || table === null || Array.isArray(table)) throw notATable(file);
  return table;
}

function notATable(file: string) {
  return badUsage(`--tokens ${file}: it must be {"TOKEN": "PRINCIPAL", …}, all of them non-empty texts`);
}
