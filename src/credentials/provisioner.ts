import { ArcpError } from '../wire/errors.ts';
import type { Credential, Lease } from '../wire/messages.ts';

/** A credential as a provisioner gives it: as the submitter sees it, but that `scheme` is `bearer` where left out (§9.8.1). */
export type ProvisionedCredential = Omit<Credential, 'scheme'> & { scheme?: string };

/** What a job's credentials are to be good for, at most (§9.8.3). */
export interface CredentialRequest {
  jobId: string;
  /** Who submitted. */
  principal: string;
  /** `name@version`. */
  agent: string;
  /** The lease as granted. */
  lease: Lease;
  /** When it expires, ISO 8601 in UTC; absent where it does not. */
  expiresAt?: string;
  /** What remains of its budget, exact amounts as `USD:4.50`; absent where it has none. */
  budget?: readonly string[];
  traceId: string | undefined;
  /**
   * A new id, `cred_`+ULID, for a credential about to be made. It is remembered before anything is made under it: whatever
   * becomes of this call, also where this process dies in it, `revoke` is called with it. Good as the name the credential
   * has upstream.
   */
  mintId(): string;
}

/** What every call of a provisioner is given beside its subject. */
export interface ProvisionerCall {
  /** Fires when the call has taken `provisionerTimeoutSec`: nobody waits for it any more. */
  signal: AbortSignal;
}

/**
 * Mints credentials of a service upstream for one job each, and takes them back (§9.8). Any of these may be asynchronous; one
 * that throws, or takes longer than `provisionerTimeoutSec`, has failed. What it throws is never logged nor sent, but for its
 * name and code: it may hold a secret.
 */
export interface Provisioner {
  /**
   * Called before `job.accepted`. Returns the job's credentials, or none. An `ArcpError` refuses the submit with its code,
   * anything else with `INTERNAL_ERROR`; then what has been made is revoked.
   */
  issue(
    request: CredentialRequest,
    call: ProvisionerCall,
  ): readonly ProvisionedCredential[] | Promise<readonly ProvisionedCredential[]>;
  /** Gives the credential another value, under the same id, and makes the one it has worthless. */
  rotate?(credential: Credential, call: ProvisionerCall): ProvisionedCredential | Promise<ProvisionedCredential>;
  /**
   * Makes a credential worthless, its value before a rotation too. Called with every id that was minted or issued, until it
   * succeeds: more than once, and after restarts. An id that is unknown upstream, or gone, is a success.
   */
  revoke(id: string, call: ProvisionerCall): unknown;
}

const credentialsMax = 16;
const valueCharsMax = 16_384;
const textCharsMax = 2048;
const idPattern = /^[\w.:@/-]{1,256}$/;

/** What a provisioner issued, looked at and not believed; throws without quoting any of it. */
export function checkIssued(issued: unknown): Credential[] {
  if (!Array.isArray(issued)) throw new TypeError('issue() must return a list of credentials');
  if (issued.length > credentialsMax) throw new RangeError(`issue() may return ${credentialsMax} credentials at most`);
  const credentials = issued.map(checkCredential);
  const ids = new Set(credentials.map(({ id }) => id));
  if (ids.size < credentials.length) throw new TypeError('issue() returned two credentials with one id');
  return credentials;
}

export function checkCredential(given: unknown): Credential {
  if (typeof given !== 'object' || given === null) throw new TypeError('a credential must be an object');
  const fields: { [name: string]: unknown } = { ...given };
  const text = (name: string, charsMax = textCharsMax): string => {
    const value = fields[name];
    if (typeof value === 'string' && value !== '' && value.length <= charsMax) return value;
    throw new TypeError(`a credential's ${name} must be a text of 1 to ${charsMax} characters`);
  };
  const credential: Credential = {
    id: text('id'),
    scheme: fields.scheme === undefined ? 'bearer' : text('scheme'),
    value: text('value', valueCharsMax),
    endpoint: text('endpoint'),
  };
  // Ids are logged and stored; whatever could be the secret itself must not be one.
  if (!idPattern.test(credential.id)) throw new TypeError(`a credential's id must match ${idPattern}`);
  if (credential.id.includes(credential.value)) throw new TypeError("a credential's id must not hold its value");
  if (fields.profile !== undefined) credential.profile = text('profile');
  if (fields.constraints !== undefined) credential.constraints = plainJson(fields.constraints);
  return credential;
}

/** The ids that can be read off what a provisioner returned, however malformed the rest. */
export function readableIds(issued: unknown): string[] {
  if (!Array.isArray(issued)) return [];
  return issued.flatMap((credential: unknown) => {
    const id = typeof credential === 'object' && credential !== null && 'id' in credential ? credential.id : undefined;
    return typeof id === 'string' && idPattern.test(id) ? [id] : [];
  });
}

function plainJson(value: unknown): Record<string, unknown> {
  const copy: unknown = JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
  if (typeof copy === 'object' && copy !== null && !Array.isArray(copy)) return { ...copy };
  throw new TypeError("a credential's constraints must be a JSON object");
}

/** Why a provisioner's call failed, for the log: its text may hold a secret, and stays out. */
export function faultOf(error: unknown): { fault: string; code?: string | number } {
  if (error instanceof ArcpError) return { fault: 'ArcpError', code: error.code };
  if (!(error instanceof Error)) return { fault: typeof error };
  const { name } = error;
  const fault = /^[A-Z]\w{0,40}Error$|^Error$/.test(name) ? name : 'Error';
  const code = 'code' in error ? error.code : 'status' in error ? error.status : undefined;
  const isTelling = typeof code === 'number' || (typeof code === 'string' && /^(E|UND_ERR_)[A-Z_]{2,30}$/.test(code));
  return isTelling ? { fault, code } : { fault };
}
