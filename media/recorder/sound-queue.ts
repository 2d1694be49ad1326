import { cellOf } from '../time/grid.ts';
import { Configs } from './configs.ts';
import type { SegmentTracks } from './init-for.ts';
import type { Frame } from './frame.ts';
import { FRAGMENT_MS, type OpenSegment } from './open-segment.ts';
import { usualAudioTicks } from './runs.ts';

/** A minute of sound that no segment wants; more is let go of. */
const MAX_FRAMES = 3000;

/** Sound that waits for the fragment it belongs to, in order, and what it has lately been like. */
export class SoundQueue {
  readonly #configs = new Configs();
  readonly #frames: Frame[] = [];
  #stepTicks = 0;
  #newest: Pick<Frame, 'run' | 'ticks' | 'clockRate' | 'config'> | null = null;

  get first(): Frame | undefined {
    return this.#frames[0];
  }
  get last(): Frame | undefined {
    return this.#frames.at(-1);
  }
  get frames(): readonly Frame[] {
    return this.#frames;
  }
  /** How long a packet of it lately lasted, in its clock rate. */
  get stepTicks(): number {
    return this.#stepTicks;
  }
  /** What the next segment's sound will be like: as the first that waits, or else the last that came. */
  get format(): Pick<Frame, 'clockRate' | 'config'> | null {
    return this.#frames[0] ?? this.#newest;
  }

  /** Adds a frame. Its configuration becomes the object that stands for it, so that it can be told by identity. Gives back what is let go of. */
  push(frame: Frame): Frame | undefined {
    const last = this.#newest;
    const step = last?.run === frame.run ? frame.ticks - last.ticks : 0;
    if (last?.clockRate !== frame.clockRate) this.#stepTicks = usualAudioTicks(frame.clockRate);
    if (step > 0 && step < frame.clockRate / 4) this.#stepTicks = step;
    frame.config = this.#configs.same(frame.config);
    const { run, ticks, clockRate, config } = frame;
    this.#newest = { run, ticks, clockRate, config };
    this.#frames.push(frame);
    return this.#frames.length > MAX_FRAMES ? this.#frames.shift() : undefined;
  }

  /** Takes what was captured up to a moment, for which there is no segment any more. */
  takeEarlier(hubMs: number): Frame[] {
    return this.#take((sound) => sound.capture.hubMs > hubMs);
  }

  /** Takes what was captured before a moment and can be stored in this track; `atLeast` so many, whatever their capture (it may step back). */
  takeFor(track: SegmentTracks['audio'], untilHubMs: number, atLeast: number): Frame[] {
    return this.#take((sound, i) => (i >= atLeast && sound.capture.hubMs >= untilHubMs) || !fits(track, sound));
  }

  /**
   * Where sound alone is to be written up to: the first packet that makes a fragment of those before it, or that begins
   * the next segment (`isCut`). Null while there is none.
   */
  boundary(segment: OpenSegment, segmentMs: number): { index: number; hubMs: number; isCut: boolean } | null {
    for (const [index, sound] of this.#frames.entries()) {
      const { hubMs } = sound.capture;
      const isNext = cellOf(hubMs, segmentMs) > segment.cell || !fits(segment.tracks.audio, sound);
      const isCut = isNext && (segment.sequence > 0 || index > 0);
      const ticks = sound.ticks - (this.#frames[0] as Frame).ticks + this.#stepTicks;
      if (isCut || (index > 0 && ticks > (FRAGMENT_MS * sound.clockRate) / 1000)) return { index, hubMs, isCut };
    }
    return null;
  }

  #take(stop: (sound: Frame, index: number) => boolean): Frame[] {
    const until = this.#frames.findIndex(stop);
    return this.#frames.splice(0, until < 0 ? this.#frames.length : until);
  }
}

/** Whether this sound can be stored in a segment's track. */
export function fits(track: SegmentTracks['audio'], sound: Frame): boolean {
  return track !== null && track.config === sound.config && track.timescale === sound.clockRate;
}
