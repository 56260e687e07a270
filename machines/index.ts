// What embedders import from 'arcp-xstate/machines': the charts of the protocol, pure XState v5 machines without I/O.
export type { Asker, CancelEvent, Coverage, FinalStatus, JobEvent, JobOutput, Refusal, ResumeEvent, SessionEvent, TokenAge } from './events.ts';
export { jobMachine } from './job.ts';
export type { JobContext, JobInput } from './job.setup.ts';
export { sessionMachine } from './session.ts';
export type { SessionContext, SessionInput } from './session.setup.ts';
