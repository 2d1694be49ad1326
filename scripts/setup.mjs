import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './setup/dependencies.mjs';
import { locked } from './setup/lock.mjs';
import { BENCH_PACKAGES, BROWSER_PACKAGES, ensurePackages, RUN_PACKAGES, TEST_PACKAGES } from './setup/packages.mjs';
import { say, SetupError } from './setup/steps.mjs';
import { ensureWeb } from './setup/web.mjs';
import { ensureWorker } from './setup/worker.mjs';

/**
 * Makes this checkout ready for a command: `node scripts/setup.mjs [start|demo|test|…]`. Plain JavaScript for Node 20,
 * without dependencies. Every step is skipped when it is done and can be interrupted at any moment.
 */
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const purpose = process.argv[2] ?? 'all';
const startMs = performance.now();

try {
  if (Number(process.versions.node.split('.')[0]) < 20)
    throw new SetupError(`Node ${process.versions.node} is too old`, 'install Node 20 or newer');
  await locked(join(root, '.setup.lock'), async () => {
    const browser = purpose !== 'start' && purpose !== 'dev';
    const tests = purpose === 'test' || purpose === 'check' || purpose === 'all';
    const more = [...(browser ? BROWSER_PACKAGES : []), ...(tests ? TEST_PACKAGES : []), ...(purpose === 'bench' ? BENCH_PACKAGES : [])];
    await ensurePackages([...RUN_PACKAGES, ...more], 'to run');
    await ensureDependencies(root);
    await ensureWorker(root);
    await ensureWeb(root);
  });
  say(`setup: ready (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
} catch (error) {
  if (!(error instanceof SetupError) && !error.code) throw error; // a fault of ours
  say(`setup: failed: ${error.message}${error.advice ? `\nsetup: what to do: ${error.advice}` : ''}`);
  process.exit(1);
}
