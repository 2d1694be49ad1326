import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { hashOf, isStamped, stamp } from './stamp.mjs';
import { run, SetupError, step } from './steps.mjs';

const NODE_MAJOR = 24;

/** Where mediasoup looks for its worker by itself. */
export const workerPath = (root) => join(root, 'node_modules/mediasoup/worker/out/Release/mediasoup-worker');

/** `npm ci` when the lock file has changed since the last one; afterwards Node 24 is there. */
export async function ensureDependencies(root) {
  const mark = join(root, 'node_modules/.fieldhub-setup');
  const wanted = hashOf(root, [join(root, 'package-lock.json')], process.platform, process.arch);
  if (isStamped(mark, wanted) && existsSync(join(root, 'node_modules/.bin/node'))) return;
  // with the variable set, mediasoup's install step neither downloads nor builds: that is the next step here
  const env = {
    ...process.env,
    MEDIASOUP_WORKER_BIN: workerPath(root),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_loglevel: 'error',
  };
  await step('npm packages', () =>
    run('npm', ['ci'], { cwd: root, env, advice: 'check that the npm registry can be reached, then run `npm ci` by hand' }),
  );
  await ensureNode(root);
  stamp(mark, wanted);
}

/** npm may have been told to run no install scripts; the package `node` needs its own, which links the binary. */
async function ensureNode(root) {
  if (version(root) >= NODE_MAJOR) return;
  await step('Node 24', () =>
    run(process.execPath, ['installArchSpecificPackage.js'], { cwd: join(root, 'node_modules/node'), advice: 'install Node 24 by hand' }),
  );
  if (version(root) < NODE_MAJOR)
    throw new SetupError(
      'the npm package `node` did not bring Node 24',
      'remove node_modules and run the command again, with install scripts allowed',
    );
}

function version(root) {
  const result = spawnSync(join(root, 'node_modules/.bin/node'), ['--version'], { encoding: 'utf8' });
  return Number(/^v(\d+)/.exec(result.stdout ?? '')?.[1] ?? 0);
}
