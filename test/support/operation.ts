import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../../scripts/demo/hub.ts';
import { TestCamera } from '../../scripts/demo/camera.ts';
import { AngleState, OperationView, PlainSource } from '../../server/protocol/http.ts';
import { type RunningHub, until } from './hub.ts';

export type FilmedAngle = { angleId: string; name: string; camera: TestCamera; target: PlainSource };
export type FilmedOperation = {
  operationId: string;
  dir: string;
  angles: FilmedAngle[];
  view: () => Promise<OperationView>;
  end: () => Promise<string>;
};

/**
 * An operation with cameras that film, once they record. `through`: where each sends instead, a network that hands it on. Small
 * pictures, which are encoded and decoded beside all else on two cores, where nothing asks for larger ones.
 */
export async function film(
  hub: RunningHub,
  names: string[],
  through: (name: string, target: PlainSource) => Promise<PlainSource> = (_, target) => Promise.resolve(target),
  size = '640x360',
): Promise<FilmedOperation> {
  const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '拆除 测试' });
  const base = `/operations/${operationId}`;
  const angles: FilmedAngle[] = [];
  for (const name of names) {
    const { angleId } = await call(hub, AngleState, 'POST', `${base}/angles`, { name });
    const target = await call(hub, PlainSource, 'POST', `${base}/angles/${angleId}/camera`);
    const camera = new TestCamera(await through(name, target), name, 'testsrc2', size);
    camera.start();
    angles.push({ angleId, name, camera, target });
  }
  const view = (): Promise<OperationView> => call(hub, OperationView, 'GET', base);
  await until('every angle records', async () => (await view()).angles.every((angle) => angle.status === 'recording'));
  const end = async (): Promise<string> => {
    await call(hub, OperationView, 'POST', `${base}/end`);
    return untilPacked(view);
  };
  return { operationId, dir: join(hub.dataDir, 'recordings', operationId), angles, view, end };
}

/** Wait until the package is verified; its folder. */
export async function untilPacked(view: () => Promise<OperationView>): Promise<string> {
  let path = '';
  await until('the package is verified', async () => {
    const { package: status } = await view();
    if (status.state === 'failed') throw new Error(status.error ?? 'packing failed');
    path = status.path ?? '';
    return status.state === 'verified';
  });
  return path;
}

/** Wait until this angle has so many closed segments. */
export async function untilSegments(operation: FilmedOperation, angleId: string, count: number): Promise<void> {
  await until(`${count} segments`, async () => {
    const angle = (await operation.view()).angles.find((candidate) => candidate.angleId === angleId);
    return (angle?.segments ?? 0) >= count;
  });
}

/** The lines of a journal, read with nothing of ours. One that is being written is none yet. */
export function journalLines(path: string): Record<string, unknown>[] {
  const text = readFileSync(path, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
