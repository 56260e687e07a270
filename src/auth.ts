import { hashToken, sameToken } from './tokens.ts';

/** What a connection offers to prove who it is (§6.1): the frame's `auth`, else the HTTP Authorization header. */
export interface Credentials {
  /** `bearer`, or whatever scheme the client named. */
  scheme: string;
  token: string | undefined;
  /** HTTP headers of the upgrade, names in lower case; empty on other transports. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  remoteAddress: string | undefined;
}

/** Who somebody is, or null when the credentials prove nothing. May be asynchronous; throwing refuses too. */
export type Authenticate = (
  credentials: Credentials,
) => { principal: string } | null | Promise<{ principal: string } | null>;

/** Bearer authentication from a table of token → principal. Other schemes and empty tokens are refused. */
export function bearer(principalByToken: Readonly<Record<string, string>>): Authenticate {
  const entries = Object.entries(principalByToken).map(([token, principal]) => {
    if (token === '' || principal === '') throw new TypeError('bearer(): tokens and principals must not be empty');
    return { hash: hashToken(token), principal };
  });
  return ({ scheme, token }) => {
    if (scheme !== 'bearer' || !token) return null;
    const presented = hashToken(token);
    // Every entry is compared, so that the time taken does not tell how far down the table a token is.
    let found: { principal: string } | null = null;
    for (const { hash, principal } of entries) if (sameToken(hash, presented)) found = { principal };
    return found;
  };
}
