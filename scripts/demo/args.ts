import { parseArgs } from 'node:util';

export type DemoArgs = { seconds: number | null; dataDir: string | null; json: boolean };

export const USAGE = `npm run demo -- [--seconds N] [--data DIR] [--json]

  --seconds N  record for N seconds (20 to 3600) once all four angles record, then end, pack, verify and exit;
               without it the demo stays up
  --data DIR   where the hub keeps its data (default: a new folder under the system's temporary folder)
  --json       the last line of standard output is one JSON object with the figures read back from disk
`;

/** Throws an Error whose message names the option. */
export function readArgs(argv: string[]): DemoArgs {
  const { values } = parseArgs({
    args: argv,
    options: { seconds: { type: 'string' }, data: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (values.seconds === undefined) return { seconds: null, dataDir: values.data ?? null, json: values.json };
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 20 || seconds > 3600)
    throw new Error(`--seconds ${values.seconds} is not a whole number from 20 to 3600`);
  return { seconds, dataDir: values.data ?? null, json: values.json };
}
