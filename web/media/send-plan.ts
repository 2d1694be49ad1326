import type { types } from 'mediasoup-client';

/** Lines of the picture, the shorter side: held upright or sideways. */
export type PictureLines = 720 | 1080;
export type LayerCount = 1 | 2 | 3;
export type SendPlan = { layers: LayerCount; encodings: types.RtpEncodingParameters[]; startBitrateKbps: number };

/** What the best picture takes at most; below it come the ones that consoles watch in small tiles. Bits a second. */
const TOP_BPS: Record<PictureLines, number> = { 720: 2_500_000, 1080: 4_500_000 };
const LOWER: { scaleResolutionDownBy: number; maxBitrate: number }[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 600_000 },
];
const SOUND_BPS = 40_000;
/** A measured uplink swings; what is sent must fit with so much to spare. */
const SPARE = 1.25;
const START_KBPS = { unknown: 1500, least: 300, most: 4000 };

/**
 * How many layers, and how much at first. The best layer is the evidence: it comes first, and the lower ones only where the
 * uplink carries them as well. Of an uplink that was not measured nothing is presumed: one layer. `forced`: by the link's address.
 */
export function sendPlan(uplinkBps: number | null, lines: PictureLines, forced: LayerCount | null = null): SendPlan {
  const top = { scaleResolutionDownBy: 1, maxBitrate: TOP_BPS[lines] };
  const needs = (lower: number): number =>
    SPARE * (SOUND_BPS + top.maxBitrate + LOWER.slice(LOWER.length - lower).reduce((sum, { maxBitrate }) => sum + maxBitrate, 0));
  const fits = (lower: number): boolean => uplinkBps !== null && uplinkBps >= needs(lower);
  const lower = forced === null ? (fits(2) ? 2 : fits(1) ? 1 : 0) : forced - 1;
  const startBitrateKbps =
    uplinkBps === null ? START_KBPS.unknown : Math.round(Math.min(START_KBPS.most, Math.max(START_KBPS.least, (uplinkBps * 0.7) / 1000)));
  // what stays unsaid for one layer is what the encoder may do by itself
  const encodings = lower === 0 ? [{ maxBitrate: top.maxBitrate }] : [...LOWER.slice(LOWER.length - lower), top];
  return { layers: (lower + 1) as LayerCount, encodings, startBitrateKbps };
}

/** Whether this uplink carries the best picture of so many lines at all; null: it was not measured. */
export function carries(uplinkBps: number | null, lines: PictureLines): boolean | null {
  return uplinkBps === null ? null : uplinkBps >= TOP_BPS[lines] + SOUND_BPS;
}
