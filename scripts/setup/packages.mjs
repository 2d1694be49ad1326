import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { run, SetupError, step, works } from './steps.mjs';

/** Debian packages by what they are for. */
export const RUN_PACKAGES = ['ffmpeg', 'redis-server'];
export const BROWSER_PACKAGES = ['chromium', 'fonts-noto-cjk'];
/** Only tests need a browser whose clock is wrong, a compiler for libraries that are loaded before others, small disks, a WHIP encoder, a TURN server and an RTSP camera. */
export const TEST_PACKAGES = [
  'libfaketime',
  'g++',
  'mount',
  'simple-whip-client',
  'coturn',
  'gstreamer1.0-rtsp',
  'gir1.2-gst-rtsp-server-1.0',
  'python3-gi',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly',
];
/** Of `bench -- live`: its phones are a small program. */
export const BENCH_PACKAGES = ['g++', 'libssl-dev'];
export const BUILD_PACKAGES = [
  'g++',
  'make',
  'pkg-config',
  'libssl-dev',
  'libuv1-dev',
  'libsrtp2-dev',
  'libflatbuffers-dev',
  'flatbuffers-compiler',
  'libabsl-dev',
];

/** The packages of `wanted` that `dpkg-query -W -f '${Package} ${Status}\n'` does not show as installed. */
export function missingFrom(dpkgOutput, wanted) {
  const installed = new Set();
  for (const line of dpkgOutput.split('\n')) {
    const [name = '', ...status] = line.trim().split(' ');
    if (status.join(' ') === 'install ok installed') installed.add(name.replace(/:.*$/, ''));
  }
  return wanted.filter((name) => !installed.has(name));
}

function missing(wanted) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${Status}\n', ...wanted], { encoding: 'utf8' });
  if (query.error) return null; // not a Debian
  return missingFrom(query.stdout, wanted);
}

/** The program that shows a package is there, on systems without dpkg. */
const PROGRAMS = { ffmpeg: 'ffmpeg', 'redis-server': 'redis-server', chromium: 'chromium', 'g++': 'g++', 'flatbuffers-compiler': 'flatc' };

export async function ensurePackages(wanted, why) {
  const absent = missing(wanted);
  if (absent === null) {
    const lacking = wanted.filter((name) => PROGRAMS[name] && !works('sh', ['-c', `command -v ${PROGRAMS[name]}`]));
    if (lacking.length > 0)
      throw new SetupError(
        `${lacking.join(', ')} must be installed, ${why}; this system is no Debian, so the set-up cannot do it`,
        `install: ${lacking.join(' ')}`,
      );
    return;
  }
  if (absent.length === 0) return;
  const root = process.getuid?.() === 0;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${absent.join(' ')}`;
  if (!root && !works('sudo', ['-n', 'true'])) {
    throw new SetupError(`Debian packages are missing, ${why}: ${absent.join(' ')}`, `run as root, then again: ${command}`);
  }
  await step(`Debian packages, ${why}: ${absent.join(' ')}`, (progress) => install(absent, root, progress, command));
}

async function install(absent, root, progress, command) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (args) => {
    const [program, full] = root ? ['apt-get', args] : ['sudo', ['-n', '--preserve-env=DEBIAN_FRONTEND', 'apt-get', ...args]];
    const onLine = (text) => progress(text.trim().split('\n').at(-1)?.slice(0, 100) ?? '');
    return run(program, full, { env, onLine, advice: `run by hand: ${command}` });
  };
  // a package's own service is not wanted: the hub starts what it needs
  const policy = '/usr/sbin/policy-rc.d';
  const own = root && !existsSync(policy);
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101 # fieldhub set-up\n', { mode: 0o755 });
  try {
    await apt(['update', '-qq']);
    await apt(['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '-qq', '--no-install-recommends', ...absent]);
  } finally {
    if (own && readFileSync(policy, 'utf8').includes('fieldhub set-up')) rmSync(policy);
  }
}
