import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { Me } from '../../server/protocol/people.ts';
import type { HubEvents } from '../../server/protocol/socket.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { film, untilSegments } from '../support/operation.ts';
import { stopwatch } from '../support/stopwatch.ts';

let root = '';
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'fieldhub-redis-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function startRedis(port: number): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', root];
  return spawn('redis-server', args, { stdio: 'ignore' });
}
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
async function watch(hub: RunningHub, operationId: string): Promise<{ socket: Socket; angles: HubEvents['angle'][] }> {
  const { socketToken } = await call(hub, Me, 'GET', '/session');
  const socket = io(`${hub.url}/console`, { auth: { token: socketToken }, transports: ['websocket'] });
  const angles: HubEvents['angle'][] = [];
  socket.on('angle', (event: HubEvents['angle']) => angles.push(event));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  await socket.emitWithAck('join', { peerId: 'test-watcher-1', operationId });
  return { socket, angles };
}

describe('a given Redis', () => {
  it('that hangs stops neither recording, nor answers, nor alarms; the package follows when it is back', async () => {
    const port = await freePort();
    const redis = startRedis(port);
    await until('Redis listens', () => listens(port));
    const hub = await startHub(join(root, 'hangs'), { REDIS_URL: `redis://127.0.0.1:${port}`, SEGMENT_SECONDS: '2' });
    const operation = await film(hub, ['东侧', '西侧']);
    const [east, west] = operation.angles;
    if (!east || !west) throw new Error('two angles were asked for');
    const { socket, angles } = await watch(hub, operation.operationId);
    try {
      await untilSegments(operation, east.angleId, 1);
      redis.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 3000)); // long enough for every client of it to be stuck
      const toldMs = stopwatch();
      west.camera.cut();
      await until('the console is told', () =>
        angles.some(({ state }) => state.angleId === west.angleId && state.status === 'interrupted'),
      );
      expect(toldMs()).toBeLessThan(1500 + 2000); // SILENCE_MS, and what a busy machine needs
      const answeredMs = stopwatch();
      const { segments } = (await operation.view()).angles[0] ?? { segments: 0 };
      expect(answeredMs()).toBeLessThan(1000);
      await untilSegments(operation, east.angleId, segments + 2);
      const ended = await call(hub, OperationView, 'POST', `/operations/${operation.operationId}/end`);
      expect(ended.status).toBe('ended');
      expect(ended.package.state).toBe('waiting');
      redis.kill('SIGCONT');
      await until('the package is verified', async () => (await operation.view()).package.state === 'verified', 60_000);
      const report = await verifyOperation(operation.dir);
      expect(report.problems).toEqual([]);
      expect(report.angles[0]).toMatchObject({ takes: 1 });
    } finally {
      socket.close();
      for (const { camera } of operation.angles) camera.cut();
      redis.kill('SIGCONT');
      await hub.stop();
      redis.kill('SIGKILL');
    }
  });

  it('that is not there when the hub starts is waited for; recording is not', async () => {
    const port = await freePort();
    const hub = await startHub(join(root, 'absent'), { REDIS_URL: `redis://127.0.0.1:${port}`, SEGMENT_SECONDS: '2' });
    let redis: ChildProcess | null = null;
    const operation = await film(hub, ['东侧']);
    try {
      await untilSegments(operation, operation.angles[0]?.angleId ?? '', 1);
      expect(await (await fetch(`${hub.url}/readyz`)).json()).toMatchObject({ media: true, store: true, redis: false });
      await call(hub, OperationView, 'POST', `/operations/${operation.operationId}/end`);
      redis = startRedis(port);
      await until('the package is verified', async () => (await operation.view()).package.state === 'verified', 60_000);
    } finally {
      for (const { camera } of operation.angles) camera.cut();
      await hub.stop();
      redis?.kill('SIGKILL');
    }
  });
});
