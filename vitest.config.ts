import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const report = process.env['TEST_REPORT'];
// hubs start in nearly every file: what they are made of is compiled once (Node's module.enableCompileCache)
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

const real = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 15_000 } } };
/** What measures pictures, sound and the way they come has both cores to itself: one file at a time. The others mostly wait. */
const MEASURES =
  'alarms alignment blocked-udp camera changes damage live-layers loss operation phone-details preflight simulcast sources talk tracks'
    .split(' ')
    .map((name) => `test/browser/${name}.test.ts`);

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      // hours of a made-up clock, a hundred thousand spoilt packets: ten seconds of a core at most, but minutes where it is shared by many
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          ...real,
          testTimeout: 300_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      // the control plane over HTTP and sockets, pages with little media, and cameras and encoders that are waited for: three files at a time
      { test: { name: 'api', include: ['test/api/**/*.test.ts'], ...real, maxWorkers: 3, sequence: { groupOrder: 1 } } },
      { test: { name: 'pages', include: ['test/pages/**/*.test.ts'], ...real, maxWorkers: 3, sequence: { groupOrder: 1 } } },
      { test: { name: 'gateways', include: ['test/gateways/**/*.test.ts'], ...real, maxWorkers: 3, sequence: { groupOrder: 1 } } },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...real, maxWorkers: 2, sequence: { groupOrder: 2 } } },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          exclude: MEASURES,
          ...real,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { name: 'measures', include: MEASURES, ...real, fileParallelism: false, sequence: { groupOrder: 3 } } },
    ],
  },
});
