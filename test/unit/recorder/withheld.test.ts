import { describe, expect, it } from 'vitest';
import { readFragments } from '../../../media/mp4/read.ts';
import { VIDEO_TRACK_ID } from '../../../media/mp4/init.ts';
import { WithheldFrames } from '../../../media/recorder/withheld.ts';
import type { AccessUnit } from '../../../media/rtp/access-unit.ts';
import { createDepacketizer } from '../../../media/rtp/depacketizers.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { packet } from '../../support/rtp.ts';

const memory = new SlabPool();
const T0 = 1_800_000_000_000;

/** A slice of 300 bytes in three fragments (RFC 6184, 5.8); `lost` are left out. */
function damaged(lost: number[]): AccessUnit {
  const units: AccessUnit[] = [];
  const input = { kind: 'video', mimeType: 'video/H264', clockRate: 90_000, payloadType: 96, parameters: {} };
  const h264 = createDepacketizer(input as never, (unit) => units.push(unit), memory);
  for (const i of [0, 1, 2]) {
    if (lost.includes(i)) continue;
    const payload = Buffer.concat([Buffer.from([0x7c, (i === 0 ? 0x80 : i === 2 ? 0x40 : 0) | 1]), Buffer.alloc(100, 0x10 + i)]);
    h264.push(packet(i, { timestamp: 9000, payload }), lost.includes(i - 1) ? 1 : 0, false);
  }
  h264.flush();
  return units[0] as AccessUnit;
}

describe('a picture that arrived in part', () => {
  it('keeps what there is of it, whichever fragment is lost', () => {
    for (const lost of [[0], [1], [2], [0, 1], [1, 2]]) {
      const { data, damaged: isDamaged, key } = damaged(lost);
      expect({ isDamaged, key }).toEqual({ isDamaged: true, key: false });
      for (const i of [0, 1, 2]) expect(data.includes(Buffer.alloc(100, 0x10 + i))).toBe(!lost.includes(i));
      let at = 0;
      while (at < data.length) at += 4 + data.readUInt32BE(at);
      expect(at).toBe(data.length); // NAL units with their lengths, to the last byte
      memory.free(data);
    }
  });

  it('is a sample of the side file, also when no byte of it is known', () => {
    const aside = new WithheldFrames(memory);
    aside.add({ unit: damaged([1]), captureMs: T0, config: null });
    aside.add({ unit: { ...damaged([2]), data: memory.take(0) }, captureMs: T0 + 33, config: null });
    const file = aside.take((hubMs) => hubMs - T0);
    expect(file).toMatchObject({ fromMs: T0, toMs: T0 + 33, frames: 2 });
    const { fragments, wholeBytes } = readFragments(Buffer.concat(file?.chunks ?? []));
    expect(wholeBytes).toBe(Buffer.concat(file?.chunks ?? []).length);
    expect(fragments[0]?.tracks).toMatchObject([{ trackId: VIDEO_TRACK_ID, samples: 2 }]);
    expect((file?.chunks ?? []).some((chunk) => chunk.equals(Buffer.alloc(4)))).toBe(true);
    file?.done();
  });
});
