import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));
/** A tree that hangs is broken too, and a net that waits for it has noticed. */
const limitMs = 120_000;
/** Of ten thousand storms: what no other net has noticed is looked for there. What hangs has hung before. */
export const lastNet = 'more storms';
const lastLimitMs = 20 * limitMs;

/** A copy of the tree, to be broken; the work tree is never touched. */
export class Tree {
  #path = mkdtempSync(join(tmpdir(), 'arcp-mutants-'));

  constructor() {
    mkdirSync(join(this.#path, 'test'));
    for (const part of [
      'src',
      'machines',
      'test/sim',
      'test/support',
      'test/conformance',
      'test/client',
      'test/mutants',
    ]) {
      cpSync(join(repository, part), join(this.#path, part), { recursive: true });
    }
    for (const file of ['package.json', 'tsconfig.json']) cpSync(join(repository, file), join(this.#path, file));
    symlinkSync(join(repository, 'node_modules'), join(this.#path, 'node_modules'));
    // Looked for as soon as the runtime is imported; no net uses a store on disk, so that nothing is in it.
    const worker = join(this.#path, 'dist/src/stores/sqlite/worker.js');
    mkdirSync(dirname(worker), { recursive: true });
    writeFileSync(worker, '');
  }

  /** Runs `look` on the tree with these patches in it, compiled. */
  async with(patches, look) {
    const files = new Map(patches.map(({ file }) => [file, readFileSync(join(this.#path, file), 'utf8')]));
    try {
      for (const patch of patches) this.#apply(patch);
      const compiled = await run(join(repository, 'node_modules/.bin/tsc'), ['-p', 'test/mutants'], {
        cwd: this.#path,
      });
      if (compiled.code !== 0) throw new Error(`does not compile:\n${compiled.out}`);
      return await look();
    } finally {
      for (const [file, text] of files) writeFileSync(join(this.#path, file), text);
    }
  }

  /** What one net finds in the tree as it was compiled last. */
  async look(net, walks) {
    const timeout = net === lastNet ? lastLimitMs : limitMs;
    const looking = ['build/test/mutants/nets.js', walks, net];
    const { code, out, err } = await run(process.execPath, looking, { cwd: this.#path, timeout });
    if (code === 0 && out !== '') return JSON.parse(out.trim().split('\n').at(-1));
    const message =
      code === null ? `still at it after ${timeout / 1000} s` : `the process broke with ${code}: ${err.slice(0, 2000)}`;
    return { caught: true, after: Number.NaN, unit: '', message };
  }

  /** The nets there are. */
  async nets() {
    const { out, err } = await run(process.execPath, ['build/test/mutants/nets.js'], { cwd: this.#path });
    if (out === '') throw new Error(`no nets:\n${err}`);
    return JSON.parse(out);
  }

  /** The walks that some of them take, made from the chart in this tree: the file that they are in. */
  async walks() {
    const walks = join(this.#path, 'walks.json');
    const { out, err } = await run(process.execPath, ['build/test/mutants/nets.js', walks], { cwd: this.#path });
    if (out === '') throw new Error(`no walks:\n${err}`);
    return walks;
  }

  remove() {
    rmSync(this.#path, { recursive: true });
  }

  #apply({ file, find, replace }) {
    const path = join(this.#path, file);
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places, not one, that read:\n${find}`);
    writeFileSync(path, parts.join(replace));
  }
}

/** Runs a command to its end; `code` is null where it had to be killed. */
function run(command, args, { cwd, timeout = limitMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      timeout,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { out: '', err: '' };
    child.stdout.on('data', (data) => {
      texts.out += data;
    });
    child.stderr.on('data', (data) => {
      texts.err += data;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...texts }));
  });
}
