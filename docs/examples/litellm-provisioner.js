// Keys of a LiteLLM proxy for each job alone: limited to its models, its budget and its time, and deleted at its end.
//
//   LITELLM_URL=http://127.0.0.1:4000 LITELLM_MASTER_KEY=sk-… node docs/examples/litellm-provisioner.js [PORT]
//   npx arcpx submit ask '{"model":"gpt-4o-mini","question":"What is a lease?"}' --url ws://127.0.0.1:7420/arcp --token tok-alice
import { pathToFileURL } from 'node:url';
import { bearer, createRuntime, defineAgent } from 'arcp-xstate';

/**
 * A provisioner of virtual keys. A credential's id is the key's alias at the proxy, minted before the key is made: so a key can
 * be deleted by it whatever became of the answer, also after a restart. The master key never leaves this process.
 */
export function litellm(options) {
  const { url } = options;
  /** Which of its two aliases a credential that was rotated has now. */
  const aliasOf = new Map();

  /** An alias that is not there is deleted as well as one that was. */
  async function remove(alias, { signal }) {
    try {
      await post('/key/delete', { key_aliases: [alias] }, { ...options, signal });
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  /** An attempt whose answer was lost may have made the key: it is taken back before the next one. */
  async function generate(alias, terms, call) {
    const between = () => remove(alias, call);
    const { key } = await post('/key/generate', { ...terms, key_alias: alias }, { ...options, ...call, between });
    return { value: key, endpoint: new URL('/v1', url).href, profile: 'openai' };
  }

  return {
    async issue({ jobId, principal, lease, budget, expiresAt, mintId }, call) {
      const models = lease['model.use'] ?? [];
      if (models.length === 0) return []; // a job that may use no model needs no key
      const id = mintId();
      const key = await generate(id, termsOf({ jobId, principal, models, budget, expiresAt }), call);
      return [{ ...key, id, constraints: constraintsOf({ models, budget, expiresAt }) }];
    },

    /** The key under the other of two aliases, then the old one is deleted. */
    async rotate({ id, constraints }, call) {
      const current = aliasOf.get(id) ?? id;
      const next = current === id ? `${id}.b` : id;
      const key = await generate(next, termsOf(limitsOf(constraints)), call);
      aliasOf.set(id, next);
      await remove(current, call);
      return { ...key, id, constraints };
    },

    async revoke(id, call) {
      await Promise.all([remove(id, call), remove(`${id}.b`, call)]);
      aliasOf.delete(id);
    },
  };
}

/** One request, tried again where the proxy is unreachable or busy. No error holds more than a status: bodies hold keys. */
async function post(path, body, { url, masterKey, signal, between, attempts = 3, attemptMs = 3000, backoffMs = 200 }) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]),
    }).catch((error) => ({ status: error.name }));
    if (answer.ok) return answer.json();
    await answer.body?.cancel();
    const { status } = answer;
    const isPassing = typeof status === 'string' || status === 429 || status >= 500;
    if (signal.aborted || !isPassing || attempt === attempts) {
      throw Object.assign(new Error(`LiteLLM answered ${path} with ${status}`), { status });
    }
    await new Promise((resolve) => setTimeout(resolve, backoffMs * 2 ** (attempt - 1)));
    await between?.();
  }
}

/** What the proxy enforces by itself: models, spend in USD, and time. */
function termsOf({ jobId, principal, models, budget, expiresAt }) {
  const usd = budget?.find((amount) => amount.startsWith('USD:'));
  const seconds = expiresAt === undefined ? 3600 : Math.max(1, Math.ceil((Date.parse(expiresAt) - Date.now()) / 1000));
  return {
    models,
    ...(usd && { max_budget: Number(usd.slice(4)) }),
    duration: `${seconds}s`, // a key that nobody could delete ends by itself
    metadata: { arcp_job: jobId, arcp_principal: principal },
  };
}

function constraintsOf({ models, budget, expiresAt }) {
  return {
    'model.use': models,
    ...(budget && { 'cost.budget': budget }),
    ...(expiresAt && { expires_at: expiresAt }),
  };
}

function limitsOf({ 'model.use': models, 'cost.budget': budget, expires_at: expiresAt }) {
  return { models, budget, expiresAt };
}

const ask = defineAgent({
  name: 'ask',
  async run(job) {
    const { model, question } = job.input;
    const [credential] = job.credentials;
    const response = await fetch(`${credential.endpoint}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${credential.value}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: question }] }),
      signal: job.signal,
    });
    if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
    const { choices } = await response.json();
    return choices[0].message.content;
  },
});

export async function start({ port = 7420, gatewayUrl, masterKey, token = 'tok-alice', ...options }) {
  const runtime = createRuntime({
    agents: [ask],
    authenticate: bearer({ [token]: 'alice' }),
    provisioner: litellm({ url: gatewayUrl, masterKey }), // `provisioned_credentials` is offered from now on
    ...options,
  });
  const { url } = await runtime.listen({ port });
  return { url, close: () => runtime.close() };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { LITELLM_URL: gatewayUrl = 'http://127.0.0.1:4000', LITELLM_MASTER_KEY: masterKey } = process.env;
  const { url, close } = await start({ port: Number(process.argv[2] ?? 7420), gatewayUrl, masterKey });
  console.log(`listening on ${url}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, close);
}
