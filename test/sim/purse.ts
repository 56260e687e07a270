import type { CredentialRequest, ProvisionedCredential, Provisioner } from '../../src/index.ts';
import type { Lots } from './lots.ts';
import type { Oracle } from './oracle.ts';
import { type PromisedCredential, secretMark } from './promised-credentials.ts';
import { count } from './tally.ts';

/** A call of the provisioner that takes its time. */
interface Call {
  what: 'issue' | 'revoke';
  settle(how: 'done' | 'failed'): void;
}

/** Everything that was ever issued, by id, whichever process asked for it. */
export type Upstream = Map<string, PromisedCredential>;

/** The provisioner of one life of a runtime (§9.8): it issues and revokes when it is told to. */
export class Purse {
  readonly calls: Call[] = [];
  /** What is asked while an earlier process's jobs are brought back is answered at once. */
  mode: 'recovering' | 'by hand' | 'at once' = 'recovering';
  readonly provisioner: Provisioner = {
    issue: (request) => this.#issue(request),
    rotate: ({ id }) => this.#rotate(id),
    revoke: (id) => this.#revoke(id),
  };
  readonly #upstream: Upstream;
  readonly #oracle: Oracle;
  readonly #lots: Lots;
  /** Ids whose revocation has failed, and is to be tried again. */
  readonly #failed = new Set<string>();

  constructor(oracle: Oracle, { lots, upstream }: { lots: Lots; upstream: Upstream }) {
    this.#oracle = oracle;
    this.#lots = lots;
    this.#upstream = upstream;
  }

  /** How many revocations wait to be tried again. */
  get failed(): number {
    return this.#failed.size;
  }

  settle(which: number, how: 'done' | 'failed'): void {
    const [call] = this.calls.splice(which, 1);
    count(this.#oracle.tally, `credentials: ${call?.what} ${how}`);
    call?.settle(how);
  }

  #issue({ jobId, mintId }: CredentialRequest): Promise<ProvisionedCredential[]> | ProvisionedCredential[] {
    const { outstanding, issuing } = this.#oracle;
    const ids = this.#lots.pick([[], ['minted'], ['own'], ['minted', 'own']]).map((kind) => {
      if (kind === 'own') return `own-${this.#upstream.size}-${this.#lots.below(1e6)}`;
      const id = mintId();
      outstanding.add(id);
      return id;
    });
    const make = () => ids.map((id) => this.#make(id));
    if (this.mode === 'recovering') return this.#reissue(jobId, make);
    issuing.names(jobId);
    return new Promise((resolve, reject) => {
      const settle = (how: 'done' | 'failed') => {
        const made = how === 'done' ? make() : undefined;
        issuing.settles(jobId, made);
        if (made) resolve(made.map(given));
        else reject(new Error(`${secretMark}of-no-use`));
      };
      this.calls.push({ what: 'issue', settle });
    });
  }

  /** A job that goes on in this process is issued new ones, or cannot go on. */
  #reissue(jobId: string, make: () => PromisedCredential[]): ProvisionedCredential[] {
    const job = this.#oracle.jobs.get(jobId);
    const how = this.#lots.oneIn(4) ? 'failed' : 'done';
    count(this.#oracle.tally, `credentials: reissue ${how}`);
    if (!job || job.ended || job.cut) this.#oracle.fault(`credentials are issued for ${jobId}, which does not go on`);
    else if (how === 'done') {
      job.credentials = make();
      return job.credentials.map(given);
    } else Object.assign(job, { cut: 'error INTERNAL_ERROR', said: [] });
    throw new Error(`${secretMark}of-no-use`);
  }

  #rotate(id: string): ProvisionedCredential {
    const credential = this.#upstream.get(id) ?? this.#make(id);
    credential.value = this.#secret();
    return given(credential);
  }

  #revoke(id: string): Promise<void> {
    const { asked, outstanding } = this.#oracle;
    asked.add(id);
    this.#failed.delete(id);
    return new Promise((resolve, reject) => {
      const settle = (how: 'done' | 'failed') => {
        if (how === 'failed') {
          this.#failed.add(id);
          return reject(new Error('the gateway is down'));
        }
        const credential = this.#upstream.get(id);
        if (credential) credential.state = 'revoked';
        outstanding.delete(id);
        resolve();
      };
      this.calls.push({ what: 'revoke', settle });
    });
  }

  #make(id: string): PromisedCredential {
    const credential: PromisedCredential = { id, value: this.#secret(), state: 'live' };
    this.#upstream.set(id, credential);
    this.#oracle.outstanding.add(id);
    return credential;
  }

  #secret(): string {
    return `${secretMark}${this.#upstream.size}-${this.#lots.below(1e9)}`;
  }
}

function given({ id, value }: PromisedCredential): ProvisionedCredential {
  return { id, value, endpoint: 'https://gateway.example/v1' };
}
