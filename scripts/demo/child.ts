import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/**
 * A child of ours, started with its standard error piped: what it says there comes out of ours, and it ends with us. One that
 * inherits ours and outlives us would keep it open, and whoever waits until it is closed (a run of tests) would wait for ever.
 */
export function keep<C extends ChildProcess>(child: C): C {
  child.stderr?.on('data', (said: Buffer) => process.stderr.write(said));
  if (running.size === 0) process.on('exit', endAll);
  running.add(child);
  child.once('close', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', endAll);
  });
  return child;
}

function endAll(): void {
  for (const child of running) child.kill();
}
