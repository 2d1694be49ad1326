import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { workerPath } from './dependencies.mjs';
import { locked } from './lock.mjs';
import { BUILD_PACKAGES, ensurePackages } from './packages.mjs';
import { filesOf, hashOf } from './stamp.mjs';
import { run, say, step } from './steps.mjs';
import { buildWorker } from './worker/build.mjs';

const PREBUILT_MS = 90_000;

/** The mediasoup worker: from this user's cache, else the project's own prebuilt download, else built from the npm package's sources. */
export async function ensureWorker(root) {
  const target = workerPath(root);
  const cached = cachePath(root);
  if (runs(target)) {
    if (!existsSync(cached)) place(target, cached);
    return;
  }
  if (existsSync(target)) rmSync(target);
  await locked(`${cached}.lock`, async () => {
    if (existsSync(cached) && !runs(cached)) rmSync(cached);
    if (!existsSync(cached) && (await prebuilt(root, target))) place(target, cached);
    if (!existsSync(cached)) {
      await ensurePackages(BUILD_PACKAGES, 'to build the media worker');
      const built = await step('mediasoup worker, built from source (about 6 minutes on two cores)', (progress) =>
        buildWorker(root, `${cached}.build`, progress),
      );
      place(built, cached);
      rmSync(`${cached}.build`, { recursive: true, force: true });
    }
  });
  place(cached, target);
}

function cachePath(root) {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/mediasoup/package.json'), 'utf8'));
  const recipe = hashOf(root, filesOf([join(root, 'scripts/setup/worker')]), process.platform, process.arch);
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fieldhub', `mediasoup-worker-${version}-${recipe.slice(0, 12)}`);
}

/** The worker refuses to run without its parent, with code 41; a broken or foreign binary ends otherwise. */
function runs(path) {
  return (
    existsSync(path) && statSync(path).size > 100_000 && spawnSync(path, [], { stdio: 'ignore', env: {}, timeout: 5000 }).status === 41
  );
}

function place(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.${process.pid}`);
  chmodSync(`${to}.${process.pid}`, 0o755);
  renameSync(`${to}.${process.pid}`, to);
}

/** mediasoup's own download, and only that: its own build from source needs the network too. */
async function prebuilt(root, target) {
  const cwd = join(root, 'node_modules/mediasoup');
  const env = { ...process.env, PYTHON: '/nonexistent' };
  delete env.MEDIASOUP_WORKER_BIN;
  try {
    await step('mediasoup worker, prebuilt', () =>
      run(process.execPath, ['npm-scripts.mjs', 'postinstall'], { cwd, env, timeout: PREBUILT_MS }),
    );
  } catch {
    say('setup:   no prebuilt worker could be had');
  }
  if (runs(target)) return true;
  rmSync(target, { force: true });
  return false;
}
