import { HubError } from '../errors.ts';
import type { AccessUnit } from './access-unit.ts';
import type { Depacketizer } from './codec.ts';
import { G711Depacketizer } from './g711.ts';
import { H264Format } from './h264.ts';
import { OpusDepacketizer } from './opus.ts';
import { setsFromSdp } from './parameter-sets.ts';
import type { SlabPool } from './slabs.ts';
import { UnitAssembler, type PayloadFormat } from './unit-assembler.ts';

/** A track as SDP or the router's RTP parameters describe it; `parameters` are those of `fmtp`. */
export type TrackFormat = { mimeType: string; clockRate: number; channels: number | null; parameters: Record<string, unknown> };

/**
 * The depacketiser for a track. Units are made in `memory`; whoever is done with one gives it back there. Throws
 * `bad_request` for a codec that is not recorded, and for parameters without which it cannot be.
 */
export function createDepacketizer(track: TrackFormat, output: (unit: AccessUnit) => void, memory: SlabPool): Depacketizer {
  const format = videoFormat(track);
  if (format) return new UnitAssembler(format, output, memory);
  switch (track.mimeType.toLowerCase()) {
    case 'audio/opus':
      return new OpusDepacketizer(track.channels ?? 2, output, memory);
    case 'audio/pcmu':
      return new G711Depacketizer('pcmu', track.clockRate, track.channels ?? 1, output, memory);
    case 'audio/pcma':
      return new G711Depacketizer('pcma', track.clockRate, track.channels ?? 1, output, memory);
    default:
      throw new HubError('bad_request', `${track.mimeType} cannot be recorded`, { field: 'mimeType' });
  }
}

function videoFormat({ mimeType, parameters }: TrackFormat): PayloadFormat | null {
  switch (mimeType.toLowerCase()) {
    case 'video/h264':
      return new H264Format(setsFromSdp(parameters['sprop-parameter-sets']));
    default:
      return null;
  }
}
