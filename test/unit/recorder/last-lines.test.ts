import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../../support/depacketize.ts';
import { openRecorder } from '../../support/direct-recorder.ts';
import { folder, journalOf, problems } from '../../support/moving.ts';
import { journalLines } from '../../support/operation.ts';
import { MadeUpTime, repeated } from '../../support/replay.ts';
import { trackInput } from '../../support/rtp.ts';

const measured = { offsetMs: 3, roundTripMs: 20 };
let root = '';
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'fieldhub-last-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A phone films, and its last files are being written. */
async function ending() {
  const time = new MadeUpTime(1_800_000_000_500);
  const recorder = await openRecorder(root, 2000, time.clock);
  await recorder.addAngle('east', '东');
  const take = recorder.startTake('east', 'phone');
  const video = fixture('h264');
  time.receive([{ sink: take.addTrack(trackInput(video)), sent: repeated(video, 3000).sent }]);
  take.noteClock(measured);
  return { recorder, take, over: recorder.end(), time };
}

describe('while an operation is ending', () => {
  it('a phone that tells its clock adds nothing after the last line of its take', async () => {
    const { take, over } = await ending();
    take.noteClock(measured);
    await over;
    const lines = journalLines(join(folder(root, 'op-1', 'east/0001'), 'journal.ndjson'));
    expect(lines.filter(({ type }) => type === 'clock.checked')).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ type: 'take.ended', reason: 'operation-ended' });
    expect(await problems(root, 'op-1')).toEqual([]);
  });

  it('a step of the wall clock adds nothing after the final signature', async () => {
    const { recorder, over, time } = await ending();
    recorder.noteClockStep(time.nowMs, 2000);
    await over;
    recorder.noteClockStep(time.nowMs, 2000);
    expect(journalLines(journalOf(root, 'op-1')).at(-1)).toMatchObject({ type: 'signature', final: true });
    expect(await problems(root, 'op-1')).toEqual([]);
  });
});
