import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// What is used of the SDK: nothing but what its packages export.

/** An envelope as the SDK has decoded it. */
export interface Envelope {
  type: string;
  job_id?: string;
  payload: { kind?: string; body?: unknown; [field: string]: unknown };
}

export interface SdkTransport {
  send(frame: object): Promise<void>;
  onFrame(take: (frame: object) => unknown): void;
  onClose(hear: (error?: Error) => void): void;
  close(reason?: string): Promise<void>;
  readonly closed: boolean;
}

export interface JobHandle {
  readonly jobId: string;
  readonly agent: string | undefined;
  readonly lease: object;
  readonly leaseConstraints: object | undefined;
  readonly budget: object | undefined;
  readonly credentials: readonly object[] | undefined;
  readonly traceId: string | undefined;
  readonly done: Promise<object>;
  collectChunks(): Promise<Buffer | string>;
}

export interface JobSubscription {
  readonly jobId: string;
  readonly subscribedFrom: number;
  readonly replayed: boolean;
  unsubscribe(): Promise<void>;
}

export interface Client {
  readonly state: { readonly id: string | undefined; readonly phase: string };
  readonly negotiatedFeatures: readonly string[];
  readonly lastEventSeqObserved: number;
  readonly isSessionBroken: boolean;
  connect(transport: SdkTransport): Promise<object>;
  resume(transport: SdkTransport, ticket: object): Promise<object>;
  on(type: string, take: (envelope: Envelope) => void): void;
  submit(options: object): Promise<JobHandle>;
  cancelJob(jobId: string, options: object): Promise<void>;
  ack(seq: number): Promise<void>;
  listJobs(filter?: object, options?: object): Promise<object>;
  subscribe(jobId: string, options?: object): Promise<JobSubscription>;
  close(reason?: string): Promise<void>;
}

export interface ArcpError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly details: object;
}

export interface Sdk {
  ARCPClient: new (options: object) => Client;
  WebSocketTransport: { connect(url: string): Promise<SdkTransport> };
  StdioTransport: { fromChild(child: ChildProcess): SdkTransport };
  ARCPError: new (...given: never[]) => ArcpError;
  parseJobEventBody(kind: string, body: unknown): unknown;
}

/** Where a checkout has the client's package, once it is built. */
export const built = (checkout: string) => join(resolve(checkout), 'packages/client/dist/index.js');

export async function load(checkout: string): Promise<Sdk> {
  const core = (part: string) => join(resolve(checkout), 'packages/core/dist', part);
  const [{ ARCPClient }, { WebSocketTransport, StdioTransport }, { ARCPError }, { parseJobEventBody }] =
    await Promise.all(
      [built(checkout), core('transport/index.js'), core('errors.js'), core('messages/index.js')].map(
        (path) => import(pathToFileURL(path).href),
      ),
    );
  return { ARCPClient, WebSocketTransport, StdioTransport, ARCPError, parseJobEventBody };
}
