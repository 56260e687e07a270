// How each file of tests of the Java SDK's own client begins.
import { afterAll, beforeAll } from 'vitest';
import type { RuntimeOptions } from '../../../../src/index.ts';
import { checkoutFrom } from '../checkout.ts';
import { stage } from './clients.ts';
import { Jvm } from './jvm.ts';

/** The JVM of a file of tests. Its client is known by its hello, or named on the URL: `queries`. */
export function javaSuite() {
  const checkout = checkoutFrom('ARCP_JAVA_SDK');
  let jvm: Jvm | undefined;
  beforeAll(async () => {
    if (checkout !== '') jvm = await Jvm.start(checkout);
  }, 300_000);
  afterAll(() => jvm?.end());
  return {
    isAbsent: checkout === '',
    queries: ['', '?dialect=java'],
    /** A runtime, and clients of the SDK in this JVM. */
    stage(query: string, options: Partial<RuntimeOptions> = {}): ReturnType<typeof stage> {
      if (!jvm) throw new Error('the JVM has not started');
      return stage(jvm, { query, ...options });
    },
  };
}
