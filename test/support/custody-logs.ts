import { chainLine, type ChainHead, EMPTY_HEAD } from '../../media/recordings/chain.ts';
import type { Signer } from '../../media/recordings/signer.ts';
import { type SignedHead, signHead } from '../../server/custody/heads.ts';
import { entryData, type LineData, THE_HUB } from '../../server/custody/lines.ts';

/** A log of so many lines as a hub would have written it, its texts without newlines, with a signed head in every `signEvery` lines. */
export function writtenLog(signer: Signer, count: number, signEvery = 10): { texts: string[]; heads: ChainHead[]; kept: SignedHead } {
  const texts: string[] = [];
  const heads: ChainHead[] = [];
  let head = EMPTY_HEAD;
  for (let i = 0; i < count; i += 1) {
    const next = chainLine(head, lineData(signer, head, i, signEvery));
    texts.push(next.text);
    heads.push(next.head);
    head = next.head;
  }
  return { texts, heads, kept: signHead(signer, head, 1_000_000) };
}

function lineData(signer: Signer, head: ChainHead, i: number, signEvery: number): LineData {
  if (i % signEvery !== signEvery - 1)
    return entryData({ what: 'view.live', who: THE_HUB, subject: `angle ${i}`, detail: { text: '东侧\n西侧' } }, i * 1000);
  const { seq: headSeq, hash: headHash, ...signature } = signHead(signer, head, i * 1000);
  return { type: 'head', headSeq, headHash, ...signature };
}

/** A line that says what it likes of its place, with the right hash for that. */
export function forged(seq: number, prev: string, subject = 'forged'): string {
  return chainLine({ seq: seq - 1, hash: prev }, entryData({ what: 'sign-in', who: THE_HUB, subject }, 1000)).text;
}
