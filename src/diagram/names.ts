import type { AnyStateNode } from 'xstate';

export const anythingElse = 'anything else';

/** An event as a person reads it; empty for `always`. */
export function eventName(descriptor: string, node: AnyStateNode): string {
  if (descriptor === '*') return anythingElse;
  if (descriptor.startsWith('xstate.done.state.')) return 'done';
  const delay = delayName(descriptor, node);
  if (delay === undefined) return descriptor.replace(/^xstate\.(done|error)\.actor\./, '$1 ');
  return `after ${/^\d+$/.test(delay) ? `${delay} ms` : delay}`;
}

/** A delay's name, or its milliseconds; undefined for what is no `after`. */
export function delayName(descriptor: string, node: AnyStateNode): string | undefined {
  const after = 'xstate.after.';
  return descriptor.startsWith(after) ? descriptor.slice(after.length, -node.id.length - 1) : undefined;
}

/** A guard or an action is named by a string, by an object's type, or by its function. */
export function nameOf(implementation: unknown): string {
  if (typeof implementation === 'string') return implementation;
  const isNamed = typeof implementation === 'object' || typeof implementation === 'function';
  if (isNamed && implementation !== null && 'type' in implementation) return String(implementation.type);
  return typeof implementation === 'function' && implementation.name !== '' ? implementation.name : 'inline';
}

/** The actions as declared, without those by which XState keeps the time of an `after`. */
export function actionNames(actions: readonly unknown[]): string[] {
  return actions.filter((action) => !isTimer(action)).map(nameOf);
}

function isTimer(action: unknown): boolean {
  if (typeof action !== 'function') return false;
  const id = 'id' in action ? action.id : 'sendId' in action ? action.sendId : undefined;
  return typeof id === 'string' && id.startsWith('xstate.after.');
}
