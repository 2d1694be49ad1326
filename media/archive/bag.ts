import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubError } from '../errors.ts';
import { mediaPlaylist } from '../hls/playlist.ts';
import { syncDir } from '../recordings/journal.ts';
import { operationJournal } from '../recordings/paths.ts';
import { readOperation } from '../recordings/read.ts';
import { hashFile, listFiles } from '../recordings/verify-files.ts';
import { type Problem, verifyOperation, type VerifyReport } from '../recordings/verify.ts';
import { oxumIn } from './handed.ts';

export type BagOptions = { operationDir: string; archiveDir: string; hubVersion: string; nowMs: number; progress?: (part: number) => void };
export type Bag = { path: string; sizeBytes: number; files: number };
export type BagReport = { ok: boolean; problems: Problem[]; operation: VerifyReport | null; sizeBytes: number; files: number };

/** `data/` of the bag: the operation's folder as it is, and a playlist for each angle so that the bag plays by itself. */
const PAYLOAD = 'data';

/**
 * Pack an ended operation as a BagIt bag (RFC 8493) at `<archiveDir>/<operationId>`. It is built under a temporary name,
 * flushed to the disk and renamed, so that a bag that is there is whole; leftovers of a run that was killed are removed.
 * A bag that is there already is returned as it is; where the operation's journal has gone on since (a take was moved), a new
 * one takes its place, and the earlier one is kept as `<operationId>.earlier-<n>`. Throws `conflict` for an operation that is still live.
 */
export async function buildBag(options: BagOptions): Promise<Bag> {
  const { operationDir, archiveDir } = options;
  const operation = await readOperation(operationDir);
  if (operation.endedMs === null) throw new HubError('conflict', `operation ${operation.operationId} has not ended yet`);
  const path = join(archiveDir, operation.operationId);
  if (await isCurrent(path, operationDir)) return { path, ...(await measure(path)) };
  const partial = join(archiveDir, `.partial-${operation.operationId}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(join(partial, PAYLOAD), { recursive: true, mode: 0o750 });

  const manifest: string[] = [];
  let octets = 0;
  let copied = 0;
  const files = await listFiles(operationDir);
  for (const file of files) {
    const { sha256, sizeBytes } = await copyHashed(join(operationDir, file), join(partial, PAYLOAD, file));
    manifest.push(`${sha256}  ${PAYLOAD}/${escape(file)}`);
    octets += sizeBytes;
    copied += 1;
    options.progress?.(copied / files.length);
  }
  for (const angle of operation.angles) {
    const file = `${angle.angleId}/index.m3u8`;
    const bytes = Buffer.from(mediaPlaylist(operation, angle.angleId));
    await writeSynced(join(partial, PAYLOAD, file), bytes);
    manifest.push(`${sha256Of(bytes)}  ${PAYLOAD}/${file}`);
    octets += bytes.length;
  }
  const info = [
    'Source-Organization: fieldhub',
    `External-Identifier: ${operation.operationId}`,
    `External-Description: ${oneLine(operation.name)}`,
    `Bagging-Date: ${new Date(options.nowMs).toISOString().slice(0, 10)}`,
    `Bag-Software-Agent: fieldhub ${options.hubVersion}`,
    `Payload-Oxum: ${octets}.${manifest.length}`,
  ];
  const tags: [string, string][] = [
    ['bagit.txt', 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'],
    ['bag-info.txt', `${info.join('\n')}\n`],
    ['manifest-sha256.txt', `${manifest.toSorted(byPath).join('\n')}\n`],
  ];
  for (const [name, content] of tags) await writeSynced(join(partial, name), Buffer.from(content));
  const tagManifest = tags.map(([name, content]) => `${sha256Of(Buffer.from(content))}  ${name}`);
  await writeSynced(join(partial, 'tagmanifest-sha256.txt'), Buffer.from(`${tagManifest.toSorted(byPath).join('\n')}\n`));
  if (await exists(path)) await rename(path, await earlierName(path));
  await rename(partial, path);
  await syncDir(archiveDir);
  return { path, ...(await measure(path)) };
}

/** Whether the bag has all that the operation's journal tells. */
async function isCurrent(path: string, operationDir: string): Promise<boolean> {
  if (!(await exists(path))) return false;
  const journal = await hashFile(operationJournal(operationDir));
  const packed = await hashFile(operationJournal(join(path, PAYLOAD))).catch(() => null);
  return packed?.sha256 === journal.sha256;
}

async function earlierName(path: string): Promise<string> {
  for (let n = 1; ; n += 1) if (!(await exists(`${path}.earlier-${n}`))) return `${path}.earlier-${n}`;
}

/**
 * Read a bag back, everything in it: the declaration, both manifests, nothing missing and nothing unlisted, the Oxum, and
 * the operation inside with its journals.
 */
export async function verifyBag(path: string, progress?: (part: number) => void): Promise<BagReport> {
  const problems: Problem[] = [];
  const report = (file: string, message: string): void => void problems.push({ path: file, message });
  const declaration = await readFile(join(path, 'bagit.txt'), 'utf8').catch(() => '');
  if (!/^BagIt-Version: 1\.0\nTag-File-Character-Encoding: UTF-8\n?$/.test(declaration))
    report('bagit.txt', 'is missing or is no declaration of BagIt 1.0');
  const files = await listFiles(path);
  const payload = files.filter((file) => file.startsWith(`${PAYLOAD}/`));
  const tags = files.filter((file) => !file.startsWith(`${PAYLOAD}/`) && file !== 'tagmanifest-sha256.txt');
  let done = 0;
  let octets = 0;
  for (const [name, expected] of [
    ['manifest-sha256.txt', payload],
    ['tagmanifest-sha256.txt', tags],
  ] as const) {
    const listed = await readManifest(path, name, report);
    for (const file of expected) {
      const right = listed.get(file);
      listed.delete(file);
      const { sha256, sizeBytes } = await hashFile(join(path, file));
      if (name === 'manifest-sha256.txt') octets += sizeBytes;
      if (right === undefined) report(file, `is not listed in ${name}`);
      else if (right !== sha256) report(file, `its SHA-256 is not the one in ${name}: it was changed`);
      done += 1;
      progress?.((0.5 * done) / files.length);
    }
    for (const file of listed.keys()) report(file, `is listed in ${name}, but missing`);
  }
  const info = await readFile(join(path, 'bag-info.txt'), 'utf8').catch(() => '');
  const oxum = oxumIn(info);
  if (oxum?.sizeBytes !== octets || oxum.files !== payload.length)
    report(
      'bag-info.txt',
      `Payload-Oxum is ${oxum ? `${oxum.sizeBytes}.${oxum.files}` : 'missing'}, the payload has ${octets}.${payload.length}`,
    );
  const operation = await verifyOperation(join(path, PAYLOAD));
  // the playlists are the bag's own: listed in its manifest, in no journal
  for (const problem of operation.problems)
    if (!/^[^/]+\/index\.m3u8$/.test(problem.path)) report(`${PAYLOAD}/${problem.path}`, problem.message);
  if (!operation.ended) report(`${PAYLOAD}/operation.ndjson`, 'the operation has not ended');
  progress?.(1);
  return { ok: problems.length === 0, problems, operation, ...(await measure(path)) };
}

async function readManifest(path: string, name: string, report: (file: string, message: string) => void): Promise<Map<string, string>> {
  const listed = new Map<string, string>();
  const text = await readFile(join(path, name), 'utf8').catch(() => null);
  if (text === null) report(name, 'is missing');
  for (const line of (text ?? '').split('\n').filter((candidate) => candidate !== '')) {
    const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
    if (match?.[1] && match[2]) listed.set(match[2].replace(/%0A/gi, '\n').replace(/%0D/gi, '\r').replace(/%25/g, '%'), match[1]);
    else report(name, `line not understood: ${line.slice(0, 80)}`);
  }
  return listed;
}

/** Copy a file, flush it, and read the copy back: its hash must be the one of the bytes that were read. */
async function copyHashed(from: string, to: string): Promise<{ sha256: string; sizeBytes: number }> {
  await mkdir(dirname(to), { recursive: true, mode: 0o750 });
  const hash = createHash('sha256');
  const file = await open(to, 'wx', 0o640);
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      await file.writeFile(chunk as Buffer);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const sha256 = hash.digest('hex');
  const copy = await hashFile(to);
  if (copy.sha256 !== sha256) throw new HubError('corrupt', `${to} was not written as it was read`);
  return { sha256, sizeBytes: copy.sizeBytes };
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const file = await open(path, 'wx', 0o640);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function measure(path: string): Promise<{ sizeBytes: number; files: number }> {
  const files = await listFiles(path);
  let sizeBytes = 0;
  for (const file of files) sizeBytes += (await readSize(join(path, file))) ?? 0;
  return { sizeBytes, files: files.length };
}

async function readSize(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** RFC 8493, 2.1.3: line ends and the percent sign in paths. */
const escape = (path: string): string => path.replaceAll('%', '%25').replaceAll('\n', '%0A').replaceAll('\r', '%0D');
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const byPath = (a: string, b: string): number => (a.slice(66) < b.slice(66) ? -1 : 1);
