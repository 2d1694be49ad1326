import { cpus } from 'node:os';
import { messageOf } from '../../media/errors.ts';
import { readArgs, USAGE } from './options.ts';
import { benchRecord, recordLines } from './record-report.ts';
import { inWorkspace } from './workspace.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const argv = process.argv.slice(2);
if (argv.includes('--help')) {
  print(USAGE);
  process.exit(0);
}
const args = ((): ReturnType<typeof readArgs> => {
  try {
    return readArgs(argv);
  } catch (error) {
    say(messageOf(error));
    if (argv.length === 0) say(USAGE);
    process.exit(2);
  }
})();

const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`;
print(machine);
const started = performance.now();
const { figures, lines } = await inWorkspace(args.keep, say, async (space) => {
  const figures = await benchRecord(args as never, space);
  return { figures, lines: recordLines(figures) };
});
for (const line of lines) print(line);
say(`took ${Math.round((performance.now() - started) / 1000)} s`);
if (args.json) print(JSON.stringify({ machine, ...figures }));
