import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { journalLines } from './operation.ts';

export type Line = Record<string, unknown>;

/** The journals of every take of an angle, in order. */
export function takesOf(operationDir: string, angleId: string): { dir: string; lines: Line[] }[] {
  const names = readdirSync(join(operationDir, angleId)).filter((name) => /^\d{4,6}$/.test(name));
  return names.toSorted().map((name) => {
    const dir = join(operationDir, angleId, name);
    return { dir, lines: journalLines(join(dir, 'journal.ndjson')) };
  });
}

export const segmentLines = (lines: Line[]): Line[] => lines.filter((line) => line['type'] === 'segment');

/** What ffmpeg has to say of each closed segment of an angle, with its name; nothing, when all is well. */
export function complaints(operationDir: string, angleId: string): string[] {
  return takesOf(operationDir, angleId).flatMap(({ dir, lines }) =>
    segmentLines(lines).flatMap((line) => {
      const path = join(dir, String(line['file']));
      if (!existsSync(path)) return [`${path}: is missing`];
      const input = Buffer.concat([readFileSync(join(dir, String(line['init']))), readFileSync(path)]);
      const said = spawnSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'null', '-'], { input }).stderr.toString();
      return said === '' ? [] : [`${path}: ${said}`];
    }),
  );
}
