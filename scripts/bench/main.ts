import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { benchRecord } from './record.ts';

const USAGE = `npm run bench -- record [--streams N] [--seconds S] [--rounds R] [--keep DIR] [--json]
`;

const { values, positionals } = parseArgs({
  options: {
    streams: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const whole = (name: 'streams' | 'seconds' | 'rounds', usual: number): number => {
  const text = values[name] ?? String(usual);
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  say(`--${name} ${text} is not a whole number from 1 to 9999`);
  process.exit(2);
};
const keep = values.keep ?? null;
print(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`);

if (positionals[0] === 'record') {
  const figures = await benchRecord({
    streams: whole('streams', 30),
    seconds: whole('seconds', 20),
    rounds: whole('rounds', 2),
    keep,
    say,
  });
  const { hub, ffmpeg, ratio } = figures;
  print(`                                hub     ffmpeg a stream   ratio`);
  print(
    `CPU, % of a core a stream   ${hub.cpuPercent.toFixed(3).padStart(7)}   ${ffmpeg.cpuPercent.toFixed(3).padStart(15)}   ${ratio.cpu.toFixed(3)}`,
  );
  print(
    `memory, PSS, MiB a stream   ${hub.pssMiB.toFixed(2).padStart(7)}   ${ffmpeg.pssMiB.toFixed(2).padStart(15)}   ${ratio.memory.toFixed(3)}`,
  );
  print(`frames lost                 ${String(hub.framesLost).padStart(7)}   ${String(ffmpeg.framesLost).padStart(15)}`);
  print(
    `(${figures.streams} streams, ${figures.rounds} rounds of ${figures.seconds} s; taking the streams in, ${figures.ingestCpuPercent.toFixed(3)} %, is not counted)`,
  );
  if (values.json) print(JSON.stringify(figures));
} else {
  say(USAGE);
  process.exit(2);
}
