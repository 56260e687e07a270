import type { SessionEvent, sessionMachine } from '../../machines/index.ts';

/**
 * XState keeps, for as long as a machine is there, what each of its states does upon each type of event that it was ever told. The
 * end of a child is told under a type with the child's id in it: so every job would leave something behind, for good. A machine
 * that went through here is told of all of them under one type, which the chart's `xstate.done.actor.*` takes as well; whose
 * end it is stands in `actorId`.
 */
export function withEndsOfOneType(machine: typeof sessionMachine): typeof sessionMachine {
  const { transition } = machine;
  machine.transition = (snapshot, event, scope) => transition(snapshot, ofOneType(event), scope);
  return machine;
}

function ofOneType(event: SessionEvent): SessionEvent {
  if (!('actorId' in event)) return event;
  return 'error' in event ? { ...event, type: 'xstate.error.actor.job' } : { ...event, type: 'xstate.done.actor.job' };
}
