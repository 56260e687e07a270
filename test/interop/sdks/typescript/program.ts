import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Driver } from '../driver.ts';
import { built } from './sdk.ts';

/**
 * The client of the SDK's checkout in a process of its own, under the Node that ARCP_NODE names: the SDK asks for Node 22, and what
 * leads it for 22.18, which reads TypeScript.
 */
export function lead(checkout: string): Driver {
  if (!existsSync(built(checkout))) {
    throw new Error(`${built(checkout)} is not there: build the checkout first (pnpm install && pnpm build)`);
  }
  const { ARCP_NODE = process.execPath } = process.env;
  return new Driver(ARCP_NODE, [join(import.meta.dirname, 'main.ts'), checkout]);
}
