import { join } from 'node:path';
import { call } from '../../scripts/demo/hub.ts';
import { AngleState, CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { type RunningHub, until } from './hub.ts';
import { untilPacked } from './operation.ts';

export type PhoneAngle = { angleId: string; url: string; dir: string };
export type PhoneOperation = {
  operationId: string;
  dir: string;
  angles: PhoneAngle[];
  /** What the hub says of this angle now. */
  angle: (angleId: string) => Promise<AngleState>;
  /** Wait until this angle has so many more closed segments than now. */
  moreSegments: (angleId: string, count: number) => Promise<void>;
  /** End it; resolves when takes are closed. */
  end: () => Promise<void>;
  /** Wait for the package; resolves with its folder. */
  packed: () => Promise<string>;
};

/** An operation with one capture link an angle. */
export async function phoneOperation(hub: RunningHub, names: string[]): Promise<PhoneOperation> {
  const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '拆除 测试' });
  const base = `/operations/${operationId}`;
  const dir = join(hub.dataDir, 'recordings', operationId);
  const angles: PhoneAngle[] = [];
  for (const name of names) {
    const { angleId } = await call(hub, AngleState, 'POST', `${base}/angles`, { name });
    const { url } = await call(hub, CaptureLink, 'POST', `${base}/angles/${angleId}/links`);
    angles.push({ angleId, url, dir: join(dir, angleId) });
  }
  const view = (): Promise<OperationView> => call(hub, OperationView, 'GET', base);
  const angle = async (angleId: string): Promise<AngleState> => {
    const found = (await view()).angles.find((candidate) => candidate.angleId === angleId);
    if (!found) throw new Error(`no angle ${angleId}`);
    return found;
  };
  return {
    operationId,
    dir,
    angles,
    angle,
    moreSegments: async (angleId, count) => {
      const wanted = (await angle(angleId)).segments + count;
      await until(`${count} more segments`, async () => (await angle(angleId)).segments >= wanted, 20_000 + count * 10_000);
    },
    end: async () => void (await call(hub, OperationView, 'POST', `${base}/end`)),
    packed: () => untilPacked(view),
  };
}
