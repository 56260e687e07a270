import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What changes something that all files of a process share, or measures it: each has a process of its own. */
const alone = [
  'test/runtime/chart-memory.test.ts',
  'test/runtime/clock.test.ts',
  'test/spec/memory.test.ts',
  'test/transports/dial.browser.test.ts',
  'test/transports/ws.contract.test.ts',
];

/** What takes longest, and begins first: a last one alone would be waited for. */
const longest = ['test/conformance/server.test.ts', 'test/conformance/kit/own.test.ts', 'test/cli/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((path) => moduleId.includes(path));
      return index < 0 ? longest.length : index;
    };
    return [...(await super.sort(files))].sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig(({ mode }) => ({
  test: {
    environment: 'node',
    // Most files are done in less time than it takes to load what they test.
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', '**/node_modules/**', ...alone],
          // Command line and process tests run what was built; everything else runs the source.
          globalSetup: 'test/support/compile.ts',
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // More than there are cores: tests of processes and sockets mostly wait.
    maxWorkers: 4,
    // Real processes and sockets on a busy machine: a limit that only a hang reaches.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default'],
    // `npm run pairs`: walks that take minutes.
    env: mode === 'pairs' ? { PAIRS: 'every' } : {},
    // XState's development build, which vitest loads, remarks on the end of a job whose session has failed: nothing to see.
    onConsoleLog: (log) => !/^Event "xstate\.done\.actor\.\S+" was sent to stopped actor/.test(log),
  },
}));
