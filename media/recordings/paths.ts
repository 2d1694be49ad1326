import { join } from 'node:path';

/** Where things lie under the data folder: `recordings/<operation>/operation.ndjson`, `<angle>/<take>/…`. */
export const recordingsDir = (dataDir: string): string => join(dataDir, 'recordings');
/** Uploads on their way to their operation's folder. */
export const uploadsDir = (dataDir: string): string => join(dataDir, 'uploads');
export const operationDirIn = (recordingsDirPath: string, operationId: string): string => join(recordingsDirPath, operationId);
export const operationDir = (dataDir: string, operationId: string): string => operationDirIn(recordingsDir(dataDir), operationId);
export const operationJournal = (operationDirPath: string): string => join(operationDirPath, 'operation.ndjson');
export const takeDir = (operationDirPath: string, angleId: string, takeId: string): string => join(operationDirPath, angleId, takeId);
export const takeJournal = (takeDirPath: string): string => join(takeDirPath, 'journal.ndjson');
export const segmentFile = (cell: number, part: number): string => `${cell}-${part}.m4s`;
/** Pictures that could not be decoded, kept beside the segments; numbered within the take. */
export const withheldFile = (cell: number, n: number): string => `withheld-${cell}-${n}.m4s`;
export const initFile = (n: number): string => `init-${n}.mp4`;
/** `<cell>-<part>.m4s` → its numbers, or null. */
export function parseSegmentFile(name: string): { cell: number; part: number } | null {
  const match = /^([0-9]{1,15})-([0-9]{1,4})\.m4s$/.exec(name);
  return match ? { cell: Number(match[1]), part: Number(match[2]) } : null;
}
