import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { say } from './steps.mjs';

/** Run `work` while no other set-up on this machine does the same. The lock of a process that is gone is taken over. */
export async function locked(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = readPid(path);
    if (pid === null || !alive(pid)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say(`setup: another set-up (process ${pid}) is at it, waiting …`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function readPid(path) {
  try {
    return Number(readFileSync(path, 'utf8')) || null;
  } catch {
    return null; // it has just been released
  }
}

export function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
