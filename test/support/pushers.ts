import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

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

/** What the hub says of those that it records, what of them can be watched, and the codecs of the files. */
export const RECORDED = {
  b: {
    facts: {
      video: { codec: 'H.264', profile: 'Main', width: 320, height: 180, fps: FPS, bFrames: true, live: 'transcoded' },
      audio: { codec: 'AAC', sampleRate: 44_100, recorded: true },
    },
    watched: ['audio', 'video'],
    codecs: /^avc3\..*,mp4a/,
  },
  plain: {
    facts: { video: { codec: 'H.264', profile: 'Constrained Baseline', bFrames: false, live: 'copied' }, audio: null, notes: [] },
    watched: ['video'],
    codecs: /^avc3/,
  },
  h265: {
    facts: {
      video: { codec: 'H.265', width: 320, height: 180, live: 'transcoded' },
      audio: { codec: 'AAC', sampleRate: 44_100 },
    },
    watched: ['audio', 'video'],
    codecs: /^hev1\..*,mp4a/,
  },
  mp3: {
    facts: { video: { codec: 'H.264' }, audio: { codec: 'MP3', recorded: false } },
    watched: ['video'],
    codecs: /^avc3[^,]*$/,
  },
} satisfies Partial<Record<keyof typeof STREAMS, { facts: object; watched: string[]; codecs: RegExp }>>;

/** A real ffmpeg that pushes a stream to an address, or waits there for who fetches it. It is gone when the test is over. */
export function push(stream: string[], format: string, url: string): Pusher {
  const child: ChildProcess = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...stream, '-f', format, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr?.on('data', (text: Buffer) => (words = (words + text.toString()).slice(-4000)));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(() => void child.kill('SIGKILL'));
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
