import type { AnyStateNode } from 'xstate';

export function isInside(node: AnyStateNode, outer: AnyStateNode): boolean {
  for (let parent = node.parent; parent !== undefined; parent = parent.parent) if (parent === outer) return true;
  return false;
}

export function initialOf(node: AnyStateNode): readonly AnyStateNode[] {
  return node.type === 'compound' ? (node.initial.target ?? []) : [];
}

export function childrenOf(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states);
}

export function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...childrenOf(node).flatMap(withDescendants)];
}
