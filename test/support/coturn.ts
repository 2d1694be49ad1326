import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { freePort, until } from './hub.ts';

export const TURN_SECRET = 'shared-by-hub-and-coturn';
export type Coturn = { port: number; said: () => string; stop: () => Promise<void> };

/** As in docker-compose.yml, what is denied and allowed above all; here on loopback, as hub and browser are. */
export async function startCoturn(): Promise<Coturn> {
  const port = await freePort();
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8')) as { services: { coturn: { command: string[] } } };
  const shipped = services.coturn.command
    .filter((each) => !each.startsWith('--listening-port='))
    .map((each) => each.replace('${ANNOUNCED_ADDRESS}', '127.0.0.1').replace('${TURN_SECRET}', TURN_SECRET));
  const dir = mkdtempSync(join(tmpdir(), 'fieldhub-coturn-'));
  const here = [
    '-n',
    '--listening-ip=127.0.0.1',
    '--relay-ip=127.0.0.1',
    `--listening-port=${port}`,
    '--allow-loopback-peers',
    '--verbose',
  ];
  const files = [`--pidfile=${join(dir, 'pid')}`, `--userdb=${join(dir, 'turndb')}`];
  const child = spawn('turnserver', [...shipped, ...here, ...files], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let over = false;
  const take = (chunk: Buffer): void => void (said = (said + String(chunk)).slice(-200_000));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      said += String(error);
      over = true;
      resolve();
    });
    child.once('exit', () => {
      over = true;
      resolve();
    });
  });
  const wanted = new RegExp(`TCP listener opened on.*127\\.0\\.0\\.1:${port}`);
  await until('coturn listens', () => {
    if (over) throw new Error(`coturn has ended: ${said}`);
    return wanted.test(said);
  });
  return {
    port,
    said: () => said,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
