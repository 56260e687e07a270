import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    // Command line and process tests run what was built; everything else runs the source.
    globalSetup: 'test/support/compile.ts',
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
