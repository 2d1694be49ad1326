import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, SetupError } from '../steps.mjs';

const shim = join(dirname(fileURLToPath(import.meta.url)), 'shim');
const FLAGS = ['-std=c++20', '-O2', '-DNDEBUG', '-DMS_LITTLE_ENDIAN', '-DMS_EXECUTABLE', '-DFLATBUFFERS_LOCALE_INDEPENDENT=1'];
const LIBRARIES = [
  'uv',
  'ssl',
  'crypto',
  'srtp2',
  'absl_strings',
  'absl_throw_delegate',
  'absl_bad_optional_access',
  'absl_raw_logging_internal',
  'pthread',
];
/** Not in mediasoup's common list, but needed by the program. */
const MORE_SOURCES = [
  'src/DepLibWebRTC.cpp',
  'src/RTC/TransportCongestionControlClient.cpp',
  'src/RTC/TransportCongestionControlServer.cpp',
  'src/main.cpp',
];

/** The sources named in the meson files of mediasoup's worker: `list` is one array's name, or null for every .cc file. */
export function sourcesIn(meson, list) {
  const part = list === null ? meson : (new RegExp(`${list}\\s*=\\s*\\[([^\\]]*)\\]`).exec(meson)?.[1] ?? '');
  return [...part.matchAll(/'([^']+\.(?:cpp|cc))'/g)].map((match) => match[1]);
}

/**
 * Debian's OpenSSL is built with kernel TLS and asks the worker's BIO whether it is on; the callback answers every
 * question with 1, and the first DTLS handshake dies. It must answer so only to what is no return.
 */
export function patchDtls(source) {
  const patched = source.replace('operationType == BIO_CB_RETURN', '(operationType & BIO_CB_RETURN)');
  if (patched === source)
    throw new SetupError(
      'DtlsTransport.cpp is not as expected: this mediasoup version needs another patch',
      'set MEDIASOUP_WORKER_BIN to a worker of this version',
    );
  return patched;
}

/** Build the worker in `dir`, which keeps what is done so that an interrupted build goes on. Returns the program's path. */
export async function buildWorker(root, dir, progress) {
  const worker = join(root, 'node_modules/mediasoup/worker');
  const generated = join(dir, 'gen');
  mkdirSync(join(generated, 'FBS'), { recursive: true });
  mkdirSync(join(dir, 'o'), { recursive: true });
  const schemas = readdirSync(join(worker, 'fbs')).filter((name) => name.endsWith('.fbs'));
  await run('flatc', [
    '--cpp',
    '--cpp-field-case-style',
    'lower',
    '--reflect-names',
    '--scoped-enums',
    '--filename-suffix',
    '',
    '-o',
    join(generated, 'FBS'),
    ...schemas.map((name) => join(worker, 'fbs', name)),
  ]);
  const patched = join(dir, 'DtlsTransport.cpp');
  writeFileSync(patched, patchDtls(readFileSync(join(worker, 'src/RTC/DtlsTransport.cpp'), 'utf8')));

  const meson = (path) => readFileSync(join(worker, path), 'utf8');
  const libwebrtc = sourcesIn(meson('deps/libwebrtc/meson.build'), null).map((path) => `deps/libwebrtc/${path}`);
  const sources = [...new Set([...sourcesIn(meson('meson.build'), 'common_sources'), ...MORE_SOURCES, ...libwebrtc])];
  const includes = [
    join(worker, 'include'),
    shim,
    generated,
    join(worker, 'deps/libwebrtc'),
    join(worker, 'deps/libwebrtc/libwebrtc'),
  ].flatMap((path) => ['-I', path]);
  const jobs = sources.map((path) => ({
    from: path.endsWith('RTC/DtlsTransport.cpp') ? patched : join(worker, path),
    to: join(dir, 'o', `${path.replaceAll('/', '_')}.o`),
  }));
  await compileAll(jobs, includes, progress);
  const program = join(dir, 'mediasoup-worker');
  await run('g++', ['-o', program, ...jobs.map((job) => job.to), ...LIBRARIES.map((name) => `-l${name}`)]);
  return program;
}

async function compileAll(jobs, includes, progress) {
  const waiting = jobs.filter((job) => !existsSync(job.to));
  let done = jobs.length - waiting.length;
  const running = new Set();
  const stop = () => {
    for (const child of running) child.kill('SIGKILL');
  };
  process.once('exit', stop);
  try {
    const lane = async () => {
      for (let job = waiting.shift(); job; job = waiting.shift()) {
        progress(`compiling ${done + 1}/${jobs.length}`);
        await compile(job, includes, running);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, lane));
  } finally {
    stop();
    process.removeListener('exit', stop);
  }
}

/** Compiled beside and renamed: an object file that is there is whole. */
function compile({ from, to }, includes, running) {
  return new Promise((resolve, reject) => {
    const child = spawn('g++', [...FLAGS, ...includes, '-c', '-o', `${to}.new`, from], { stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(child);
    let errors = '';
    child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-4000)));
    child.once('error', (error) => reject(new SetupError(`g++ cannot be run: ${error.message}`)));
    child.once('close', (code) => {
      running.delete(child);
      if (code === 0) {
        renameSync(`${to}.new`, to);
        resolve();
      } else {
        rmSync(`${to}.new`, { force: true });
        reject(new SetupError(`compiling ${from} failed:\n${errors}`));
      }
    });
  });
}
