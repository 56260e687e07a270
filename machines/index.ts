// What embedders import from 'arcp-xstate/machines': the charts of the protocol, pure XState v5 machines without I/O.

export type { ClientEvent } from './client.events.ts';
export type { ClientContext, ClientInput } from './client.setup.ts';
export { clientMachine } from './client.ts';
export type {
  Asker,
  CancelEvent,
  Coverage,
  DelegateEvent,
  FinalStatus,
  JobEvent,
  JobFate,
  JobOutput,
  Refusal,
  RestoredEvent,
  ResumeEvent,
  SessionEvent,
  SubmitEvent,
  TokenAge,
} from './events.ts';
export type { JobContext, JobInput } from './job.setup.ts';
export { jobMachine } from './job.ts';
export type { SessionContext, SessionInput } from './session.setup.ts';
export { sessionMachine } from './session.ts';
