// The client of the TypeScript SDK, led by a test. Each line of the input is one call of the SDK's own API; each line of the output is
// what a call came to, or what a client or a job was given.
import { createInterface } from 'node:readline';
import { inOneLine } from '../one-line.ts';
import { type Call, Led } from './led.ts';
import { load } from './sdk.ts';

const [checkout = ''] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${inOneLine(line)}\n`);
const led = new Led(await load(checkout), say);

for await (const text of createInterface({ input: process.stdin })) {
  const call: Call & { n: number } = JSON.parse(text);
  // The next call does not wait for this one.
  led.make(call).then(
    (value) => say({ n: call.n, value: value ?? null }),
    (error: unknown) => say({ n: call.n, error: led.told(error) }),
  );
}
