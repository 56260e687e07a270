// What embedders import from 'arcp-xstate'. The client is 'arcp-xstate/client', the charts are 'arcp-xstate/machines'.

export { type Authenticate, bearer, type Credentials } from './auth.ts';
export { type Clock, type SimulatedClock, simulatedClock, systemClock } from './clock.ts';
export type {
  CredentialRequest,
  ProvisionedCredential,
  Provisioner,
  ProvisionerCall,
} from './credentials/provisioner.ts';
export {
  type AgentDefinition,
  defineAgent,
  type MachineAgentDefinition,
  type RunAgentDefinition,
} from './jobs/agents.ts';
export type { ChildJob, DelegateRequest } from './jobs/delegation.ts';
export type { JobContext } from './jobs/job-context.ts';
export { jobOf } from './jobs/machine-agent.ts';
export type { ResultWriter } from './jobs/results.ts';
export type { RuntimeStats } from './observe/stats.ts';
export type {
  JobTrace,
  SessionTrace,
  ToolTrace,
  TracedAuthority,
  TracedEnd,
  TracedJob,
  Tracing,
} from './observe/tracing.ts';
export type { AuditEntry, Logger, RuntimeOptions } from './options.ts';
export { createRuntime, type Runtime, type SessionInfo } from './runtime.ts';
export { memoryStore } from './stores/memory.ts';
export { type SqliteOptions, sqliteStore } from './stores/sqlite.ts';
export type { Store } from './stores/store.ts';
export { memoryPair } from './transports/memory.ts';
export { stdioTransport } from './transports/stdio.ts';
export { type ConnectionFacts, closeCodes, type Transport } from './transports/transport.ts';
export { ArcpError, type ErrorCode } from './wire/errors.ts';
export { type Credential, type Feature, featureNames } from './wire/messages.ts';
