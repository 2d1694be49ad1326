import { describe, expect, it } from 'vitest';
import type { OperationLine } from '../../../media/recordings/lines.ts';
import { checkTalks } from '../../../media/recordings/talks.ts';

const started: OperationLine = { type: 'talk.started', talkId: 'talk-0001', angleId: null, atMs: 1000 };
const ended: OperationLine = { type: 'talk.ended', talkId: 'talk-0001', atMs: 3000, takeId: '0001', heard: ['east'], reason: 'released' };

describe('talk in an operation journal', () => {
  it('begins and ends; one without a sound has no take, one may be left open by a crash', () => {
    expect(checkTalks([started, ended])).toEqual([]);
    expect(checkTalks([started, { ...ended, takeId: null }])).toEqual([]);
    expect(checkTalks([started])).toEqual([]);
  });

  it('is found wrong where it does not agree with the rest', () => {
    expect(checkTalks([ended])).toEqual(['talk.ended talk-0001: nobody speaks then']);
    expect(checkTalks([started, ended, started])).toEqual(['talk.started talk-0001: is there twice']);
  });
});
