import { cpus } from 'node:os';
import { messageOf } from '../../media/errors.ts';
import { alignLines, benchAlign } from './align.ts';
import { benchCrash, crashLines } from './crash.ts';
import { benchLive, liveLines } from './live.ts';
import { type BenchArgs, readArgs, USAGE } from './options.ts';
import { benchRecord, recordLines } from './record-report.ts';
import { benchSearch, searchLines } from './search.ts';
import { inWorkspace, type Workspace } from './workspace.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`;

/** What was found, for machines, and as lines for people. */
async function run(args: BenchArgs, space: Workspace): Promise<{ figures: object; lines: string[] }> {
  if (args.bench === 'align') {
    const figures = await benchAlign(args, space);
    return { figures, lines: alignLines(figures) };
  }
  if (args.bench === 'crash') {
    const figures = await benchCrash(args, space);
    return { figures, lines: crashLines(figures) };
  }
  if (args.bench === 'live') {
    const figures = await benchLive(args, space);
    return { figures, lines: liveLines(figures) };
  }
  if (args.bench === 'search') {
    const figures = await benchSearch(args, space);
    return { figures, lines: searchLines(figures) };
  }
  const figures = await benchRecord(args, space);
  return { figures, lines: recordLines(figures) };
}

function args(): BenchArgs {
  try {
    return readArgs(process.argv.slice(2));
  } catch (error) {
    say(`${messageOf(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

if (process.argv.includes('--help')) {
  print(USAGE);
} else {
  const order = args();
  const startMs = performance.now();
  try {
    print(machine);
    const { figures, lines } = await inWorkspace(order.keep, say, (space) => run(order, space));
    for (const line of lines) print(line);
    say(`took ${Math.round((performance.now() - startMs) / 1000)} s`);
    if (order.json) print(JSON.stringify({ machine, ...figures }));
    process.exit(0);
  } catch (error) {
    say(`bench ${order.bench}: ${messageOf(error)}`);
    process.exit(1); // processes of ours that still run end with the channel to this one
  }
}
