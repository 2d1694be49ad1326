import { spawn, spawnSync } from 'node:child_process';

/** A step of the set-up that failed, told to a person: what, and what to do. */
export class SetupError extends Error {
  /** @param {string} message @param {string} [advice] */
  constructor(message, advice = '') {
    super(message);
    this.name = 'SetupError';
    this.advice = advice;
  }
}

/** Everything is told on standard error: standard output belongs to the command that follows. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Do one step, saying what and how long; `work` gets a function that shows progress. */
export async function step(name, work) {
  const startMs = performance.now();
  say(`setup: ${name} …`);
  const progress = (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Ksetup:   ${text}`);
    else if (performance.now() - progress.lastMs > 10_000) {
      progress.lastMs = performance.now();
      say(`setup:   ${text}`);
    }
  };
  progress.lastMs = startMs;
  const result = await work(progress);
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  say(`setup: ${name}: done in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}

/** Run a program to its end; its output is kept and shown only when it fails. Throws SetupError. */
export function run(command, args, options = {}) {
  const { advice, onLine, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...rest });
    let output = '';
    const take = (chunk) => {
      const text = String(chunk);
      output = (output + text).slice(-20_000);
      onLine?.(text);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('error', (error) => reject(new SetupError(`${command} cannot be run: ${error.message}`, advice)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(
          new SetupError(
            `${command} ${args.slice(0, 3).join(' ')} ended with ${signal ?? `code ${code}`}:\n${output.trimEnd().split('\n').slice(-15).join('\n')}`,
            advice,
          ),
        );
    });
  });
}

export function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
