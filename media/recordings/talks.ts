import type { OperationLine } from './lines.ts';

/** What is wrong with what a journal says of commanders' talk, in words. Its takes are checked like all others; one that the disk refused has none. */
export function checkTalks(lines: OperationLine[]): string[] {
  const wrong: string[] = [];
  const speaking = new Set<string>();
  const over = new Set<string>();
  for (const line of lines) {
    if (line.type === 'talk.started') {
      if (speaking.has(line.talkId) || over.has(line.talkId)) wrong.push(`talk.started ${line.talkId}: is there twice`);
      speaking.add(line.talkId);
    }
    if (line.type !== 'talk.ended') continue;
    if (!speaking.delete(line.talkId)) wrong.push(`talk.ended ${line.talkId}: nobody speaks then`);
    over.add(line.talkId);
  }
  return wrong;
}
