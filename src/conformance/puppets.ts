import type { Provisioner } from '../credentials/provisioner.ts';
import { defineAgent } from '../jobs/agents.ts';
import type { JobContext } from '../jobs/job-context.ts';
import { EventLog } from '../log.ts';
import type { Store } from '../stores/store.ts';
import type { Policy } from './reference.ts';

interface Puppet {
  context: JobContext;
  returns(): void;
  throws(): void;
}

/** A store whose next append fails, when told: the runtime's own fault. */
export function breakableStore<Kind extends Store>(store: Kind) {
  let isBroken = false; // tidy: one failure that is due
  store.openLog = (_sessionId, limits) =>
    new (class extends EventLog {
      override append(head: string, tail: string): number {
        if (!isBroken) return super.append(head, tail);
        isBroken = false;
        throw new Error('the store failed');
      }
    })(limits);
  return {
    store,
    breakNext: () => {
      isBroken = true;
    },
  };
}

/** Issues a credential for each job of the agent `paid`, and revokes it when told. */
export function purse() {
  const waiting: (() => void)[] = [];
  let isHeld = true;
  const provisioner: Provisioner = {
    issue: ({ agent, mintId }) =>
      agent.startsWith('paid@') ? [{ id: mintId(), value: 'sk-walk', endpoint: 'https://gateway.example' }] : [],
    revoke: () => (isHeld ? new Promise<void>((resolve) => waiting.push(resolve)) : undefined),
  };
  const revoked = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  return {
    provisioner,
    /** What waits is revoked. */
    revoked,
    /** From now on nothing waits. */
    open(): void {
      isHeld = false;
      revoked();
    },
  };
}

/** The walks' agent: it emits three events as it starts, and after that does only what it is told. */
export function puppets({ onRestart = 'fail' }: Pick<Policy, 'onRestart'> = {}) {
  const byJob = new Map<string, Puppet>();
  const named = (name: string) =>
    defineAgent({
      name,
      onRestart,
      run: (context) =>
        new Promise((resolve, reject) => {
          byJob.set(context.id, {
            context,
            returns: () => resolve('done'),
            throws: () => reject(new Error('told to')),
          });
          for (const step of ['one', 'two', 'three']) context.log('info', step);
        }),
    });
  return {
    agents: [named('puppet'), named('paid')],
    emit(jobId: string, count: number, bytes: number): void {
      for (let i = 0; i < count; i += 1) byJob.get(jobId)?.context.log('info', 'x'.repeat(bytes));
    },
    end(jobId: string, how: 'returns' | 'throws'): void {
      byJob.get(jobId)?.[how]();
    },
    /** Hands on work to another puppet; the id of the child. */
    delegate(jobId: string): string {
      return byJob.get(jobId)?.context.delegate({ agent: 'puppet' }).id ?? '';
    },
    /** Asks for what no lease of these walks allows, and takes the refusal. */
    authorize(jobId: string): void {
      try {
        byJob.get(jobId)?.context.authorize('fs.read', '/');
      } catch {
        // What comes of it is on the wire.
      }
    },
    endAll(): void {
      for (const puppet of byJob.values()) puppet.throws();
    },
    isStopped: (jobId: string): boolean => byJob.get(jobId)?.context.signal.aborted ?? false,
  };
}
