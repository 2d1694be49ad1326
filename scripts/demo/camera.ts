import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { PlainSource } from '../../media/protocol/requests.ts';
import { keep } from './child.ts';

/**
 * A camera: an ffmpeg test picture with a burned-in clock, thirty pictures of this size a second in H.264 with Opus, sent as RTP
 * to where a real camera's would go.
 */
export class TestCamera {
  readonly #target: PlainSource;
  readonly #label: string;
  readonly #pattern: string;
  readonly #size: string;
  #process: ChildProcess | null = null;

  constructor(target: PlainSource, label: string, pattern: string, size = '1280x720') {
    this.#target = target;
    this.#label = label;
    this.#pattern = pattern;
    this.#size = size;
  }

  start(): void {
    const { video, audio, ip } = this.#target;
    const rtp = (track: PlainSource['video']): string[] => [
      '-f',
      'rtp',
      '-ssrc',
      String(track.ssrc),
      '-payload_type',
      String(track.payloadType),
      `rtp://${ip}:${track.port}?rtcpport=${track.rtcpPort}&pkt_size=1200`,
    ];
    const clock = `drawtext=font='Noto Sans CJK SC':text='${this.#label} %{localtime\\:%T} %{pts\\:hms}':x=40:y=h-200:fontsize=52:fontcolor=white:box=1:boxcolor=black@0.65:boxborderw=14`;
    const args = ['-v', 'error', '-nostdin'];
    args.push('-re', '-f', 'lavfi', '-i', `${this.#pattern}=size=${this.#size}:rate=30`);
    args.push('-re', '-f', 'lavfi', '-i', 'sine=frequency=440:beep_factor=4:sample_rate=48000');
    args.push(
      '-map',
      '0:v',
      '-vf',
      clock,
      '-c:v',
      'libx264',
      '-profile:v',
      'baseline',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-pix_fmt',
      'yuv420p',
    );
    args.push('-g', '30', '-b:v', '2500k', '-maxrate', '2500k', '-bufsize', '2500k', ...rtp(video));
    args.push('-map', '1:a', '-c:a', 'libopus', '-ac', '2', '-b:a', '64k', ...rtp(audio));
    const child = keep(spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'pipe'] }));
    child.once('error', (error) => process.stderr.write(`camera ${this.#label}: ${error.message}\n`));
    // three encoders on a small machine shall not make the phone's camera stutter: their own pictures are timed by count
    if (child.pid !== undefined) setPriority(child.pid, 10);
    this.#process = child;
  }

  /** Pull the plug: no goodbye. */
  cut(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }
}
