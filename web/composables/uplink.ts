/** What one upload told: how long it took here, and the hub's own account of it. */
export type Upload = { bytes: number; elapsedMs: number; laterBytes: number; hubMs: number };
export type Uplink = { bitsPerSecond: number; bound: boolean };

/** Each twice as large as the one before: a connection finds its speed while it sends. Less than a megabyte in all. */
const SIZES = [64, 128, 256, 512].map((kilobytes) => kilobytes * 1024);
/** An upload that took so long has seen enough of the network. */
const ENOUGH_MS = 500;
const LATEST_MS = 2500;

/**
 * How fast one upload was. What a phone's or a proxy's buffer has taken has not arrived: the hub's account, from the first
 * piece to the last, and this side's, less one round trip, are both too good at times, never too bad by much; the lesser counts.
 */
export function rateOf({ bytes, elapsedMs, laterBytes, hubMs }: Upload, roundTripMs: number): number {
  const here = (bytes * 8000) / Math.max(1, elapsedMs - roundTripMs);
  const there = hubMs > 0 && laterBytes > 0 ? (laterBytes * 8000) / hubMs : Infinity;
  return Math.min(here, there);
}

/**
 * Upload more and more until the network has shown its speed; the last upload, the largest, counts. `send` resolves with null
 * when it has not ended by `deadlineMs`: the uplink then carries that at most.
 */
export async function measureUplink(
  send: (bytes: number, deadlineMs: number) => Promise<Upload | null>,
  roundTripMs: number,
): Promise<Uplink> {
  let best = 0;
  let leftMs = LATEST_MS;
  for (const bytes of SIZES) {
    const upload = await send(bytes, leftMs);
    if (!upload) return best > 0 ? { bitsPerSecond: best, bound: false } : { bitsPerSecond: (bytes * 8000) / leftMs, bound: true };
    best = rateOf(upload, roundTripMs);
    leftMs -= upload.elapsedMs;
    if (upload.elapsedMs - roundTripMs > ENOUGH_MS || leftMs < ENOUGH_MS) break;
  }
  return { bitsPerSecond: Math.round(best), bound: false };
}
