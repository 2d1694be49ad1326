import { parseArgs } from 'node:util';

export const USAGE = `npm run bench -- record|align|crash|live|search [options]

record: the recorder against one ffmpeg a stream, on the same streams, in turn
  --streams N        synthetic sources, 720p30 at 2.5 Mbit/s with Opus (30)
  --seconds S        measured time of each run (15)
  --rounds R         runs of each way (2)
  --only hub|ffmpeg  one way alone: no ratios, and taking the streams in is counted
  with --only hub, a bad network or a changing picture, every frame accounted for:
  --loss P           per cent of media packets lost, 0 to 50; the sender answers NACKs
  --burst N          packets are lost N in a row (1)
  --no-nack          the sender does not answer NACKs
  --reorder          one packet in twenty overtakes others by up to 40 ms
  --resize           the picture changes between 1280x720 and 640x360 every 5 s
  --check-playlists  ffmpeg -v error must be silent over every take's playlist

align: stamped against true capture time, next to stamping by arrival
  --streams N        sources, clocks off by 5 s either way, drifts of 50 ppm either way (8)
  --seconds S        (100)
  --jitter MS        every frame leaves 0 to MS later than it was captured (30)

crash: SIGKILL at random moments: what is lost, what is whole
  --streams N        of each way (3)
  --rounds R         (20)

live: phones, cameras and commanders at once: time to the first picture, glass to glass, frames lost, CPU a viewer
  --phones N         three layers of H.264 each, over DTLS-SRTP (20)
  --cameras N        plain RTP, 720p30 (10)
  --viewers N        of nine angles each; one is a browser (10)
  --seconds S        (60)

search: the list of operations, searched, filtered and sorted, next to SQLite's LIKE '%…%'
  --operations N     in a fresh store (100000)

all of them:
  --keep DIR         leave recordings, sources and the sender's ground truth there (docs/benchmarks.md)
  --json             the last line of standard output is one JSON object
`;

const BENCHES = 'record, align, crash, live or search';

type Common = { streams: number; keep: string | null; json: boolean };
export type RecordArgs = Common & {
  bench: 'record';
  seconds: number;
  rounds: number;
  only: 'hub' | 'ffmpeg' | null;
  /** Share, 0 to 1. */
  loss: number;
  burst: number;
  nack: boolean;
  reorder: boolean;
  resize: boolean;
  checkPlaylists: boolean;
};
export type AlignArgs = Common & { bench: 'align'; seconds: number; jitterMs: number };
export type CrashArgs = Common & { bench: 'crash'; rounds: number };
export type LiveArgs = Omit<Common, 'streams'> & { bench: 'live'; phones: number; cameras: number; viewers: number; seconds: number };

export type SearchArgs = Omit<Common, 'streams'> & { bench: 'search'; operations: number };

export type BenchArgs = RecordArgs | AlignArgs | CrashArgs | LiveArgs | SearchArgs;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const common = { streams: text, keep: text, json: flag };
const badNetwork = { loss: text, burst: text, 'no-nack': flag, reorder: flag, resize: flag, 'check-playlists': flag };

/** Throws an Error whose message names the option, or the bench. */
export function readArgs([bench, ...args]: string[]): BenchArgs {
  if (bench === 'record') return recordArgs(args);
  if (bench === 'align') {
    const { values } = parseArgs({ args, options: { ...common, seconds: text, jitter: text } });
    const seconds = number('seconds', values.seconds, 100, [10, 3600]);
    return { bench, ...commonArgs(values, 8, 100), seconds, jitterMs: number('jitter', values.jitter, 30, [0, 500]) };
  }
  if (bench === 'crash') {
    const { values } = parseArgs({ args, options: { ...common, rounds: text } });
    return { bench, ...commonArgs(values, 3, 50), rounds: number('rounds', values.rounds, 20, [1, 1000]) };
  }
  if (bench === 'live') {
    const { keep, json } = common;
    const { values } = parseArgs({ args, options: { keep, json, phones: text, cameras: text, viewers: text, seconds: text } });
    const seconds = number('seconds', values.seconds, 60, [10, 3600]);
    const phones = number('phones', values.phones, 20, [0, 100]);
    const cameras = number('cameras', values.cameras, 10, [0, 100]);
    return { bench, ...kept(values), phones, cameras, viewers: number('viewers', values.viewers, 10, [1, 100]), seconds };
  }
  if (bench === 'search') {
    const { keep, json } = common;
    const { values } = parseArgs({ args, options: { keep, json, operations: text } });
    return { bench, ...kept(values), operations: number('operations', values.operations, 100_000, [1000, 1_000_000]) };
  }
  throw new Error(bench === undefined ? `which bench? ${BENCHES}` : `there is no bench ${bench}: ${BENCHES}`);
}

function recordArgs(args: string[]): RecordArgs {
  const { values } = parseArgs({ args, options: { ...common, seconds: text, rounds: text, only: text, ...badNetwork } });
  const { only } = values;
  if (only !== undefined && only !== 'hub' && only !== 'ffmpeg') throw new Error(`--only ${only} is neither hub nor ffmpeg`);
  for (const name of Object.keys(badNetwork) as (keyof typeof badNetwork)[])
    if (values[name] !== undefined && values[name] !== false && only !== 'hub') throw new Error(`--${name} needs --only hub`);
  return {
    bench: 'record',
    ...commonArgs(values, 30, 500),
    seconds: number('seconds', values.seconds, 15, [3, 86_400]),
    rounds: number('rounds', values.rounds, 2, [1, 100]),
    only: only ?? null,
    loss: number('loss', values.loss, 0, [0, 50]) / 100,
    burst: number('burst', values.burst, 1, [1, 1000]),
    nack: !values['no-nack'],
    reorder: values.reorder,
    resize: values.resize,
    checkPlaylists: values['check-playlists'],
  };
}

function commonArgs(values: { streams?: string; keep?: string; json: boolean }, streams: number, most: number): Common {
  return { streams: number('streams', values.streams, streams, [1, most]), ...kept(values) };
}

function kept(values: { keep?: string; json: boolean }): Omit<Common, 'streams'> {
  if (values.keep === '') throw new Error('--keep needs a folder');
  return { keep: values.keep ?? null, json: values.json };
}

function number(name: string, given: string | undefined, usual: number, [least, most]: [number, number]): number {
  if (given === undefined) return usual;
  const value = Number(given);
  if (/^[0-9]+$/.test(given) && value >= least && value <= most) return value;
  throw new Error(`--${name} ${given} is not a whole number from ${least} to ${most}`);
}
