import { defineConfig } from 'vitest/config';

const report = process.env['TEST_REPORT'];

/** Integration and browser tests run real processes on two shared cores: one file at a time. */
const heavy = { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, expect: { poll: { timeout: 15_000 } } };

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      // hours of a made-up clock, a hundred thousand spoilt packets: seconds here, more on a busy machine
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 120_000, sequence: { groupOrder: 0 } } },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...heavy, sequence: { groupOrder: 1 } } },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], ...heavy, sequence: { groupOrder: 2 } } },
    ],
  },
});
