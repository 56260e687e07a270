import type { SessionInfo } from '../runtime.ts';
import type { Link } from './wire.ts';

/** What a walk needs of the place where a runtime is tested. What only some places can do is named by `Ability`. */
export interface Stage {
  /** A new connection to the runtime. */
  open(): Promise<Link>;
  /** Bearer tokens of the walks' principals. */
  tokens: { own: string; another: string };
  /** Longest frame the runtime takes. */
  frameBytesMax: number;
  heartbeatMs: number;
  stallTimeoutMs: number;
  /** So many events, of so many bytes each, are more than a socket that is not read may be owed. */
  stallEvents: number;
  stallBytes: number;
  /** Bytes of each of four events, so that a replay of them can be held. */
  holdBytes: number;
  /** The wall clock of the runtime. */
  now(): Promise<number>;
  /** Steps the wall clock on, and no other. */
  stepWall(ms: number): Promise<void>;
  /** Lets virtual time pass. */
  advance(ms: number): Promise<void>;
  /** What was sent on any connection has been taken in. */
  settle(): Promise<void>;
  /** The runtime's own word on its sessions; undefined where it cannot be asked. */
  sessions(): Promise<SessionInfo[] | undefined>;
  /** Agents of somebody else's, where there are any. */
  agents?: { echo: string | undefined; slow: { name: string; input: unknown } | undefined };
  /** The job's agent has emitted this many events of so many bytes. */
  emit(jobId: string, count: number, bytes: number): Promise<void>;
  /** The job's agent has come to its end. */
  end(jobId: string, how: 'returns' | 'throws'): Promise<void>;
  /** Every revocation that was held back is done. */
  revoked(): Promise<void>;
  /** The job's agent has delegated a job to a puppet; its id. */
  delegate(jobId: string): Promise<string>;
  /** The job's agent has asked whether it may do something. */
  authorize(jobId: string): Promise<void>;
  /** Whether the agent of a job has been told to stop. */
  isStopped(jobId: string): Promise<boolean>;
  /** The runtime fails to record the end of this job, once, as its agent returns. */
  breakJob(jobId: string): Promise<void>;
  shutdown(): Promise<void>;
  /** The process dies with all that was settled committed, and another one opens its store so much later. */
  crash(downMs: number): Promise<void>;
  close(): Promise<void>;
}
