import Hls, { type LevelDetails } from 'hls.js';
import { type Damage, damageOf } from '../composables/damage.ts';
import { hubAt, mediaAt, type Piece, steer } from '../composables/sync-policy.ts';

export type PlayerStatus = 'loading' | 'playing' | 'gap' | 'buffering' | 'failed';

/**
 * One angle's recording, made to follow a clock in hub time. hls.js loads; where it is and how fast it runs is decided
 * here. Inside a gap the picture is paused and said to be missing; hls.js alone would jump over it.
 */
export class AnglePlayer {
  readonly #video: HTMLVideoElement;
  readonly #hls: Hls;
  readonly #changed: () => void;
  readonly #holes: boolean;
  pieces: Piece[] = [];
  /** Where this angle has no good picture though it has a recording: what is shown then is the last one before. */
  damage: Damage[] = [];
  status: PlayerStatus = 'loading';
  failure = '';
  #begun = false;
  #shownS = 0;
  #seekingS: number | null = null;

  /** `holes`: there may be nothing within a segment too, as where sound was muted; the picture's frames last until the next. */
  constructor(video: HTMLVideoElement, url: string, changed: () => void, holes = false) {
    this.#video = video;
    this.#holes = holes;
    this.#changed = changed;
    this.#hls = new Hls({
      autoStartLoad: false,
      enableInterstitialPlayback: false,
      maxLiveSyncPlaybackRate: 1,
      liveSyncDurationCount: 1e6,
      backBufferLength: 30,
      maxBufferLength: 20,
    });
    this.#hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => this.#load(details));
    this.#hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => {
      this.#load(details);
      this.#begin();
    });
    this.#hls.on(Hls.Events.MANIFEST_PARSED, () => this.#hls.startLoad(0));
    this.#hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.failure === '') {
        this.failure = data.details;
        this.#hls.recoverMediaError();
        return;
      }
      this.failure = data.details;
      this.#set('failed');
    });
    this.#hls.loadSource(url);
    this.#hls.attachMedia(video);
    this.#watchFrames();
  }

  /** Hub time of the frame on screen, or null. */
  get shownHubMs(): number | null {
    return this.status === 'playing' ? hubAt(this.pieces, this.#shownS) : null;
  }

  /** Bring the picture to this hub time. `rate` 0 is pause. Says whether the master clock may run on. */
  follow(hubMs: number, rate: number): boolean {
    const video = this.#video;
    if (this.status === 'failed' || this.pieces.length === 0) return true;
    const targetS = mediaAt(this.pieces, hubMs);
    if (targetS === null) {
      if (!video.paused) video.pause();
      this.#set('gap');
      return true;
    }
    const errorS = targetS - video.currentTime;
    if (this.#holes && !isBuffered(video, targetS)) return this.#wait(targetS);
    if (rate === 0) {
      if (!video.paused) video.pause();
      if (Math.abs(errorS) > 0.02) this.#seek(targetS);
    } else {
      const steering = steer(errorS, rate);
      if (steering.action === 'seek') this.#seek(targetS);
      else if (steering.action === 'rate' && video.playbackRate !== steering.rate) video.playbackRate = steering.rate;
      if (video.paused) void video.play().catch(() => undefined); // refused before the first gesture; the button is one
    }
    const ready =
      video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA || (rate === 0 && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA);
    this.#set(ready && !video.seeking ? 'playing' : 'buffering');
    return ready;
  }

  /** Stand still there until something comes: a player that ran on into a hole would be moved over it by hls.js, and back by us. */
  #wait(targetS: number): true {
    if (!this.#video.paused) this.#video.pause();
    if (Math.abs(targetS - this.#video.currentTime) > 0.3) this.#seek(targetS);
    this.#set('buffering');
    return true;
  }

  close(): void {
    this.#hls.destroy();
  }

  /** hls.js waits for ever in a gap at the beginning: let it start where there is something. */
  #begin(): void {
    const first = this.pieces[0];
    if (this.#begun || !first) return;
    this.#begun = true;
    if (first.mediaS === 0) return;
    this.#hls.stopLoad();
    this.#hls.startLoad(first.mediaS);
  }

  #seek(targetS: number): void {
    if (this.#video.seeking && this.#seekingS !== null && Math.abs(this.#seekingS - targetS) < 0.5) return;
    this.#seekingS = targetS;
    this.#video.currentTime = targetS;
  }

  #load({ fragments, dateRanges }: LevelDetails): void {
    this.pieces = fragments
      .filter((fragment) => !fragment.gap && fragment.programDateTime !== null)
      .map((fragment) => ({ hubMs: fragment.programDateTime as number, mediaS: fragment.start, durationS: fragment.duration }));
    this.damage = damageOf(dateRanges);
    this.#changed();
  }

  #watchFrames(): void {
    this.#video.requestVideoFrameCallback((_, frame) => {
      this.#shownS = frame.mediaTime;
      this.#watchFrames();
    });
  }

  #set(status: PlayerStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.#changed();
  }
}

function isBuffered({ buffered }: HTMLVideoElement, atS: number): boolean {
  for (let i = 0; i < buffered.length; i += 1) if (atS >= buffered.start(i) - 0.02 && atS < buffered.end(i)) return true;
  return false;
}
