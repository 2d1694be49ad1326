import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { keep } from './child.ts';
import { hubFetch, takeCharge } from './sign-in.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const READY_MS = 30_000;

export type DemoHub = { url: string; archiveDir: string; process: ChildProcess; stop: () => Promise<void> };

/**
 * Start the hub as `npm start` does and wait until it answers. Its log goes to standard error. `apart`: in a session of its
 * own, to which Linux gives as much of the processors as to all of ours (sched(7), autogroup), as a service would get.
 */
export async function startHub(dataDir: string, env: Record<string, string>, { apart = false } = {}): Promise<DemoHub> {
  const child = keep(
    spawn(process.execPath, [join(root, 'server/supervisor/main.ts')], {
      env: { ...process.env, LOG_LEVEL: 'warn', LISTEN: '127.0.0.1', PUBLIC_URL: '', ...env, DATA: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: apart,
    }),
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const said = await ready(child, exited).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const { url, archiveDir } = JSON.parse(readFileSync(join(dataDir, 'hub.json'), 'utf8')) as { url: string; archiveDir: string };
  await takeCharge(url, said);
  return { url, archiveDir, process: child, stop };
}

/** What it said until it was ready. */
function ready(child: ChildProcess, exited: Promise<void>): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the hub was not ready within 30 s')), READY_MS);
    void exited.then(() => reject(new Error('the hub ended before it was ready')));
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += String(chunk);
      if (!said.includes('fieldhub is ready')) return;
      clearTimeout(late);
      resolve(said);
    });
  });
}

/** One request to the hub's API, as whoever has signed in there. Throws with what the hub said. */
export async function call<S extends z.ZodType>(
  hub: { url: string },
  schema: S,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<z.infer<S>> {
  const response = await hubFetch(`${hub.url}/api${path}`, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return schema.parse(JSON.parse(text));
}
