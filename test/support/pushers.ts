import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Pusher = {
  pid: number;
  /** Resolves with its exit code, null when it was killed. */
  exited: Promise<number | null>;
  words: () => string;
  signal: (name: NodeJS.Signals) => void;
  /** Ends as an encoder does that is switched off properly. */
  stop: () => Promise<void>;
};

export const FPS = 30;
const PICTURE = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=${FPS}`];
const SOUND = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
const X264 = `-c:v libx264 -preset ultrafast -g ${FPS} -pix_fmt yuv420p -threads 1`.split(' ');
const AAC = '-c:a aac -b:a 64k'.split(' ');

/** What ffmpeg makes, as encoders set it. */
export const STREAMS = {
  /** As OBS sends it: B-frames, and sound of 44.1 kHz. */
  b: [...PICTURE, ...SOUND, ...X264, ...'-bf 2 -profile:v main -x264-params b-adapt=0'.split(' '), ...AAC],
  plain: [...PICTURE, ...X264, ...'-tune zerolatency -profile:v baseline'.split(' ')],
  h265: [
    ...PICTURE,
    ...SOUND,
    ...`-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params keyint=${FPS}:log-level=error:pools=1`.split(' '),
    ...AAC,
  ],
  mp3: [...PICTURE, ...SOUND, ...X264, '-bf', '0', '-c:a', 'libmp3lame'],
  flv1: [...PICTURE, '-c:v', 'flv'],
} satisfies Record<string, string[]>;

/** A real ffmpeg that pushes a stream to an address, or waits there for who fetches it. */
export function push(stream: string[], format: string, url: string): Pusher {
  const child: ChildProcess = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...stream, '-f', format, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr?.on('data', (text: Buffer) => (words = (words + text.toString()).slice(-4000)));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? 0,
    exited,
    words: () => words,
    signal: (name) => void child.kill(name),
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
