import type { OperationLine } from './lines.ts';

/** The angles of an operation and their names, as its journal leaves them. */
export function knownAngles(lines: OperationLine[]): Map<string, string> {
  const angles = new Map<string, string>();
  for (const line of lines) {
    if (line.type === 'angle.added') angles.set(line.angleId, line.name);
    else if (line.type === 'angle.renamed') angles.set(line.angleId, line.name);
    else if (line.type === 'angle.removed') angles.delete(line.angleId);
  }
  return angles;
}

/** What is wrong with the names and removals in a journal, in words: both are for angles that are there and have no recording. */
export function checkAngles(lines: OperationLine[]): string[] {
  const wrong: string[] = [];
  const filmed = new Map<string, boolean>();
  for (const line of lines) {
    if (line.type === 'angle.added') filmed.set(line.angleId, false);
    else if (line.type === 'take.started' || line.type === 'take.moved-in') filmed.set(line.angleId, true);
    else if (line.type === 'angle.renamed' || line.type === 'angle.removed') {
      const used = filmed.get(line.angleId);
      if (used === undefined) wrong.push(`${line.type}: there is no angle ${line.angleId} before it`);
      else if (used) wrong.push(`${line.type}: angle ${line.angleId} has been recorded before it`);
      if (line.type === 'angle.removed') filmed.delete(line.angleId);
    }
  }
  return wrong;
}
