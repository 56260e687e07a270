import type { Dial } from './transport.ts';
import { dialWs } from './ws.ts';

/** Opens a connection from Node. Bundlers for browsers take `dial.browser.ts` instead. */
export const dial: Dial = dialWs;
