import { HubError } from '../errors.ts';
import { AacDepacketizer } from './aac.ts';
import type { AccessUnit } from './access-unit.ts';
import { Av1Format } from './av1.ts';
import type { Depacketizer } from './codec.ts';
import { g711Depacketizer } from './g711.ts';
import { H264Format } from './h264.ts';
import { H265Format } from './h265.ts';
import { opusDepacketizer } from './opus.ts';
import { setsFromSdp } from './parameter-sets.ts';
import type { SlabPool } from './slabs.ts';
import { UnitAssembler, type PayloadFormat } from './unit-assembler.ts';
import { Vp8Format } from './vp8.ts';
import { Vp9Format } from './vp9.ts';

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
      return opusDepacketizer(track.channels ?? 2, output, memory);
    case 'audio/mpeg4-generic':
      return new AacDepacketizer(track, output, memory);
    case 'audio/pcmu':
      return g711Depacketizer('pcmu', track, output, memory);
    case 'audio/pcma':
      return g711Depacketizer('pcma', track, output, memory);
    default:
      throw new HubError('bad_request', `${track.mimeType} cannot be recorded`, { field: 'mimeType' });
  }
}

function videoFormat({ mimeType, parameters }: TrackFormat): PayloadFormat | null {
  switch (mimeType.toLowerCase()) {
    case 'video/h264':
      return new H264Format(setsFromSdp(parameters['sprop-parameter-sets']));
    case 'video/h265':
      return new H265Format(
        setsFromSdp(parameters['sprop-vps'], parameters['sprop-sps'], parameters['sprop-pps']),
        Number(parameters['sprop-max-don-diff'] ?? 0),
      );
    case 'video/vp8':
      return new Vp8Format();
    case 'video/vp9':
      return new Vp9Format();
    case 'video/av1':
      return new Av1Format();
    default:
      return null;
  }
}
