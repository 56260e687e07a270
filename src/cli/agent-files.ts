import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AgentDefinition, defineAgent } from '../jobs/agents.ts';
import { badUsage, type Exit } from './exit.ts';

/** Loads the agents of `--agents`: each file's default export is an agent or a list of agents. */
export async function loadAgents(files: readonly string[]): Promise<AgentDefinition[]> {
  const agents: AgentDefinition[] = [];
  for (const file of files) agents.push(...(await loadFile(file)));
  return agents;
}

async function loadFile(file: string): Promise<AgentDefinition[]> {
  const path = resolve(file);
  await access(path).catch(() => {
    throw wrong(file, 'there is no such file, or it cannot be read');
  });
  const module = await importFile(file, path);
  if (module.default === undefined) {
    throw wrong(
      file,
      'it has no default export; write: export default defineAgent({ name, run(job) { … } }), or a list of them',
    );
  }
  const found: unknown[] = Array.isArray(module.default) ? module.default : [module.default];
  if (found.length === 0) throw wrong(file, 'its list of agents is empty');
  return found.map((agent, index) => {
    if (!isAgent(agent)) {
      const what = Array.isArray(module.default) ? `item ${index} of its default export` : 'its default export';
      throw wrong(
        file,
        `${what} is not an agent: an agent is { name, version?, run(job) } or { name, version?, machine }`,
      );
    }
    try {
      return defineAgent(agent);
    } catch (error) {
      throw wrong(file, error instanceof Error ? error.message : String(error));
    }
  });
}

async function importFile(file: string, path: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    // Of a syntax error only the stack's first line says where it is.
    const where = error instanceof SyntaxError ? ` (${error.stack?.split('\n', 1)[0]})` : '';
    throw wrong(
      file,
      `it cannot be loaded: ${error instanceof Error ? `${error.name}: ${error.message}` : error}${where}`,
    );
  }
}

function isAgent(value: unknown): value is AgentDefinition {
  if (typeof value !== 'object' || value === null) return false;
  return 'name' in value && typeof value.name === 'string' && ('run' in value || 'machine' in value);
}

function wrong(file: string, problem: string): Exit {
  return badUsage(`--agents ${file}: ${problem}`);
}
