// npm run mutants [-- --only WORDS[,WORDS]] [--net NET] [--first] [--shown]: breaks a copy of the runtime in one named way at a time,
// and lets the nets look at it: the generated walks (src/conformance), four hundred storms (test/sim), ten thousand where nothing
// else has noticed; or the net that is named. With --first, the first that notices is enough. Exits 1 if any way of breaking it
// goes unnoticed by all of them, or if they find fault with the tree as it is.
import { parseArgs } from 'node:util';
import { mutants } from './mutants.mjs';
import { lastNet, Tree } from './tree.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    net: { type: 'string', default: '' },
    first: { type: 'boolean', default: false },
    shown: { type: 'boolean', default: false },
  },
});
const asItIs = { name: '(as it is)', patches: [] };
const chosen = mutants.filter(({ name }) => values.only.split(',').some((words) => name.includes(words)));
const width = Math.max(...mutants.map(({ name }) => name.length));
const startedMs = performance.now();
const trees = [new Tree(), new Tree()];
const faults = [];
try {
  const { nets, walks } = await trees[0].with([], async () => {
    const chosenNets = (await trees[0].nets()).filter((net) => net.includes(values.net));
    const isWalked = chosenNets.some((net) => net.startsWith('walks'));
    return { nets: chosenNets, walks: isWalked ? await trees[0].walks() : '-' };
  });
  console.log(row('', nets));
  const waiting = [asItIs, ...chosen];
  await Promise.all(
    trees.map(async (tree) => {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) await judge(tree, mutant, { nets, walks });
    }),
  );
} finally {
  for (const tree of trees) tree.remove();
}
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
console.log(`\n${chosen.length} ways of breaking the runtime, ${faults.length} unnoticed or in error, in ${seconds} s`);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

async function judge(tree, { name, patches }, { nets, walks }) {
  try {
    const findings = await tree.with(patches, async () => {
      const all = [];
      for (const net of nets) {
        const isCaught = all.some((finding) => finding?.caught);
        const isEnough = isCaught && (values.first || net === lastNet);
        all.push(looksAt(net, patches) && !isEnough ? await tree.look(net, walks) : undefined);
      }
      return all;
    });
    console.log(row(name, findings.map(cell)));
    const caught = findings.filter((finding) => finding?.caught);
    const whole = patches.length === 0;
    if (whole !== (caught.length === 0)) {
      faults.push(
        whole ? `the tree as it is: ${caught.map(({ message }) => message).join('\n')}` : `unnoticed: ${name}`,
      );
    }
    if (values.shown) for (const { message } of caught) console.log(indented(message));
  } catch (error) {
    console.log(
      row(
        name,
        nets.map(() => 'error'),
      ),
    );
    faults.push(`${name}: ${error.message}`);
  }
}

/**
 * The client's walks play the runtime, and all other nets the client: neither sees the other's code. That the tree as it is
 * weathers many storms is shown by `npm run sim`.
 */
function looksAt(net, patches) {
  if (patches.length === 0) return net !== lastNet;
  return patches.some(({ file }) => /\bclient\b/.test(file) === (net === 'walks: client'));
}

function cell(finding) {
  if (!finding) return '';
  const { caught, after, unit } = finding;
  if (!caught) return '·';
  return Number.isNaN(after) || after === null ? 'caught' : `${after} ${after === 1 ? unit.slice(0, -1) : unit}`;
}

function row(name, cells) {
  return [name.padEnd(width), ...cells.map((text) => String(text).padStart(17))].join('');
}

function indented(message) {
  const lines = message.split('\n');
  return [...lines.slice(0, 2), ...(lines.length > 4 ? ['…'] : []), ...lines.slice(-2)]
    .map((line) => `      ${line}`)
    .join('\n');
}
