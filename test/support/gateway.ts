import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

export interface VirtualKey {
  alias: string;
  models: string[];
  max_budget: number | undefined;
  duration: string;
  metadata: Record<string, string>;
  spend: number;
}

/** What goes wrong with the next request to a path: an answer, no answer, or one that is lost on its way. */
export type Fault = { status: number } | 'hang' | 'lost answer';

/** The keys of a proxy, and what can be done with them. Every error says more than it should, as real ones do. */
function keyring(masterKey: string) {
  const keys = new Map<string, VirtualKey>();
  /** Every key there ever was. */
  const everyKey: string[] = [];

  function generate(body: Record<string, unknown>): [number, object] {
    const alias = String(body.key_alias);
    if ([...keys.values()].some((key) => key.alias === alias)) return [400, { error: `alias ${alias} exists` }];
    const key = `sk-${randomBytes(12).toString('base64url')}`;
    const { max_budget, duration, metadata } = body;
    everyKey.push(key);
    keys.set(key, {
      ...{ alias, models: strings(body.models), duration: String(duration), spend: 0 },
      max_budget: typeof max_budget === 'number' ? max_budget : undefined,
      metadata: JSON.parse(JSON.stringify(metadata ?? {})),
    });
    return [200, { key, key_alias: alias }];
  }

  return {
    keys,
    everyKey,
    manage(path: string, token: string, body: Record<string, unknown>): [number, object] {
      if (token !== masterKey) return [401, { error: { message: `${token} is not the master key` } }];
      if (path === '/key/generate') return generate(body);
      const aliases = strings(body.key_aliases);
      const doomed = [...keys].filter(([, { alias }]) => aliases.includes(alias));
      for (const [key] of doomed) keys.delete(key);
      return doomed.length > 0 ? [200, { deleted_keys: doomed.map(([key]) => key) }] : [404, { error: 'no such key' }];
    },
    complete(token: string, { model }: Record<string, unknown>): [number, object] {
      const key = keys.get(token);
      if (!key) return [401, { error: `${token} is no key` }];
      if (!key.models.includes(String(model))) return [403, { error: `${token} may not use ${model}` }];
      if (key.max_budget !== undefined && key.spend >= key.max_budget) return [400, { error: 'budget exceeded' }];
      key.spend += 0.01;
      return [200, { choices: [{ message: { role: 'assistant', content: `an answer of ${model}` } }] }];
    },
  };
}

/**
 * A proxy of LiteLLM's shape on this machine: virtual keys by a master key, and completions by them. A completion costs 0.01.
 * Ends with the test.
 */
export async function gateway({ masterKey = `sk-master-${randomBytes(8).toString('hex')}` } = {}) {
  const purse = keyring(masterKey);
  const requests: string[] = [];
  const faults: { path: string; fault: Fault }[] = [];

  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const index = faults.findIndex((one) => one.path === path);
    const [{ fault } = { fault: undefined }] = index < 0 ? [] : faults.splice(index, 1);
    if (fault === 'hang') return;
    const body = await readJson(request);
    if (fault && typeof fault === 'object')
      return answer(response, fault.status, { error: `${token} ${JSON.stringify(body)}` });
    const [status, said] = path.startsWith('/key/') ? purse.manage(path, token, body) : purse.complete(token, body);
    if (fault === 'lost answer') request.socket.destroy();
    else answer(response, status, said);
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    ...{ url: `http://127.0.0.1:${port}`, masterKey, keys: purse.keys, everyKey: purse.everyKey, requests },
    fail: (path: string, fault: Fault, times = 1) => {
      for (let time = 0; time < times; time += 1) faults.push({ path, fault });
    },
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  return body;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
