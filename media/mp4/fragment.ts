/** One sample of a fragment. `compositionTicks`: how long after it is decoded it is shown; may be negative. */
export type Sample = { data: Buffer; durationTicks: number; key: boolean; compositionTicks: number };
/** One track's run of samples; `baseTicks` is the first one's decode time on the take's time line. */
export type TrackRun = { trackId: number; baseTicks: number; samples: Sample[] };

const SYNC = 0x02000000; // sample_depends_on = 2: on no other (ISO/IEC 14496-12, 8.8.3.1)
const NOT_SYNC = 0x01010000; // depends on others, sample_is_non_sync_sample

/** Data offset; duration, size, flags of each sample (8.8.8.1). */
const TRUN = 0x000701;
/** The same with composition offsets, which version 1 has signed. */
const TRUN_REORDERED = 0x01000f01;

/**
 * A movie fragment and its media data (ISO/IEC 14496-12, 8.8.4–8.8.8, 8.8.12; CMAF chunk, ISO/IEC 23000-19, 7.3.2.3), as a list of
 * buffers to be written in one go. Runs without samples are left out. The headers are one allocation; sample data is
 * not copied.
 */
export function fragment(sequence: number, runs: TrackRun[]): Buffer[] {
  const present = runs.filter((run) => run.samples.length > 0);
  let moofSize = 8 + 16;
  let dataSize = 8;
  for (const run of present) {
    moofSize += 8 + 16 + 20 + trunSize(run);
    for (const sample of run.samples) dataSize += sample.data.length;
  }
  const head = Buffer.allocUnsafe(moofSize + 8);
  let at = boxHead(head, 0, moofSize, 'moof');
  at = fullHead(head, at, 16, 'mfhd', 0);
  at = head.writeUInt32BE(sequence, at);
  let dataOffset = moofSize + 8;
  for (const run of present) {
    at = traf(head, at, run, dataOffset);
    for (const sample of run.samples) dataOffset += sample.data.length;
  }
  boxHead(head, at, dataSize, 'mdat');
  const out: Buffer[] = [head];
  for (const run of present) for (const sample of run.samples) out.push(sample.data);
  return out;
}

function isReordered(run: TrackRun): boolean {
  for (const sample of run.samples) if (sample.compositionTicks !== 0) return true;
  return false;
}

function trunSize(run: TrackRun): number {
  return 20 + run.samples.length * (isReordered(run) ? 16 : 12);
}

function traf(out: Buffer, start: number, run: TrackRun, dataOffset: number): number {
  const size = trunSize(run);
  const reordered = isReordered(run);
  let at = boxHead(out, start, 8 + 16 + 20 + size, 'traf');
  at = fullHead(out, at, 16, 'tfhd', 0x020000); // default-base-is-moof
  at = out.writeUInt32BE(run.trackId, at);
  at = fullHead(out, at, 20, 'tfdt', 0x01000000); // version 1: 64 bits
  at = out.writeBigUInt64BE(BigInt(run.baseTicks), at);
  at = fullHead(out, at, size, 'trun', reordered ? TRUN_REORDERED : TRUN);
  at = out.writeUInt32BE(run.samples.length, at);
  at = out.writeUInt32BE(dataOffset, at);
  for (const sample of run.samples) {
    at = out.writeUInt32BE(sample.durationTicks, at);
    at = out.writeUInt32BE(sample.data.length, at);
    at = out.writeUInt32BE(sample.key ? SYNC : NOT_SYNC, at);
    if (reordered) at = out.writeInt32BE(sample.compositionTicks, at);
  }
  return at;
}

function boxHead(out: Buffer, at: number, size: number, type: string): number {
  out.writeUInt32BE(size, at);
  out.write(type, at + 4, 'latin1');
  return at + 8;
}

function fullHead(out: Buffer, start: number, size: number, type: string, versionAndFlags: number): number {
  return out.writeUInt32BE(versionAndFlags, boxHead(out, start, size, type));
}
