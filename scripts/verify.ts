import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { verifyBag } from '../media/archive/bag.ts';
import { recordingsDir } from '../media/recordings/paths.ts';
import { type Problem, verifyOperation } from '../media/recordings/verify.ts';
import { runVerifyLog } from './verify-log.ts';

const USAGE = `usage: npm run verify -- <package, operation folder or data folder> [--json]
       npm run verify -- log <custody.ndjson> [--head <head.json>] [--json]
`;

/** A package, an operation's folder, a hub's data folder, or a copy of its custody log. Exit 1 when anything is wrong, 2 when it could not be checked. */
const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: { json: { type: 'boolean', default: false }, head: { type: 'string' } },
  allowPositionals: true,
});
const [word, logFile] = positionals;
if (word === 'log' && logFile !== undefined && positionals.length === 2)
  process.exit(await runVerifyLog(logFile, values.head, values.json));
const folder = resolve(positionals[0] ?? '');
const results: { path: string; ok: boolean; problems: Problem[] }[] = [];
if (positionals.length !== 1 || values.head !== undefined) {
  process.stderr.write(USAGE);
  process.exit(2);
}
if (existsSync(join(folder, 'bagit.txt'))) results.push({ path: folder, ...(await verifyBag(folder)) });
else if (existsSync(join(folder, 'operation.ndjson'))) results.push({ path: folder, ...(await verifyOperation(folder)) });
else if (existsSync(recordingsDir(folder)))
  for (const name of readdirSync(recordingsDir(folder)))
    results.push({ path: join(recordingsDir(folder), name), ...(await verifyOperation(join(recordingsDir(folder), name))) });
else {
  process.stderr.write(`${folder} is no package, no operation and no data folder\n`);
  process.exit(2);
}
for (const { path, ok, problems } of results) {
  process.stdout.write(`${path}: ${ok ? 'verified' : `${problems.length} problems`}\n`);
  for (const problem of problems) process.stdout.write(`  ${problem.path}: ${problem.message}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify(results.map(({ path, ok, problems }) => ({ path, ok, problems })))}\n`);
process.exit(results.every((result) => result.ok) ? 0 : 1);
