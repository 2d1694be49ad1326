import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Files under the paths given (folders are walked), sorted, without those `skip` matches. */
export function filesOf(paths, skip = /(^|\/)(node_modules|dist)(\/|$)/) {
  const found = [];
  const walk = (path) => {
    if (!existsSync(path) || skip.test(path)) return;
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) walk(join(path, name));
    else found.push(path);
  };
  for (const path of paths) walk(path);
  return found.sort();
}

/** A hash over names (under `base`) and contents of files, and over whatever else matters: the same in every checkout. */
export function hashOf(base, files, ...extra) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(base, file)).update('\0').update(readFileSync(file)).update('\0');
  for (const text of extra) hash.update(String(text)).update('\0');
  return hash.digest('hex');
}

export function isStamped(path, value) {
  return existsSync(path) && readFileSync(path, 'utf8') === value;
}

/** Say that a step is done. Written beside and renamed: a stamp that is there is true. */
export function stamp(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, value);
  renameSync(`${path}.${process.pid}`, path);
}
