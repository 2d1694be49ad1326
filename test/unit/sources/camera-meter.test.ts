import { describe, expect, it } from 'vitest';
import { CameraMeter } from '../../../media/sources/gateway/camera-meter.ts';

const packet = (sequence: number): Buffer => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16BE(sequence, 2);
  return bytes;
};

describe('what a camera’s stream tells of it', () => {
  it('is nothing at first', () => {
    const meter = new CameraMeter();
    expect([meter.model, meter.packets, meter.roundTripMs]).toEqual([null, null, null]);
  });

  it('is its name: of its server, else of its session; never a placeholder', () => {
    const meter = new CameraMeter();
    meter.session('v=0\r\ns=-\r\n');
    expect(meter.model).toBeNull();
    meter.session('v=0\r\ns=DS-2CD2T47G2\r\nt=0 0\r\n');
    expect(meter.model).toBe('DS-2CD2T47G2');
    meter.server('RTSP Server');
    expect(meter.model).toBe('DS-2CD2T47G2');
    meter.server('Dahua\u0000 Rtsp Server/3.0');
    expect(meter.model).toBe('Dahua  Rtsp Server/3.0');
    meter.server(null);
    expect(meter.model).toBe('Dahua  Rtsp Server/3.0');
    meter.server('x'.repeat(500));
    expect(meter.model).toHaveLength(60);
  });

  it('is what is missing of its tracks’ packets, from the beginning of each stream', () => {
    const meter = new CameraMeter();
    for (const sequence of [5, 6, 9]) meter.packet(0, packet(sequence));
    for (const sequence of [100, 101]) meter.packet(2, packet(sequence));
    meter.packet(0, Buffer.alloc(3));
    expect(meter.packets).toEqual({ expected: 7, lost: 2 });
    meter.begin();
    expect(meter.packets).toBeNull();
  });
});
