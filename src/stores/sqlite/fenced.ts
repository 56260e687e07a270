/** Someone else has opened the store, or has written what only its owner may. */
export class Fenced extends Error {}
