import { describe, expect, it } from 'vitest';
import { readArgs } from '../../../scripts/bench/options.ts';

describe('the options of the benches', () => {
  it('have defaults of their own in each bench', () => {
    expect(readArgs(['record'])).toMatchObject({ bench: 'record', streams: 30, rounds: 2, only: null, loss: 0, nack: true, keep: null });
    expect(readArgs(['align'])).toMatchObject({ bench: 'align', streams: 8, seconds: 100, jitterMs: 30 });
    expect(readArgs(['crash', '--json'])).toMatchObject({ bench: 'crash', streams: 3, rounds: 20, json: true });
  });

  it('say how many operations are searched', () => {
    expect(readArgs(['search', '--json'])).toMatchObject({ bench: 'search', operations: 100_000, json: true, keep: null });
  });

  it('read a bad network', () => {
    expect(readArgs(['record', '--only', 'hub', '--loss', '5', '--burst', '30', '--no-nack', '--reorder'])).toMatchObject({
      loss: 0.05,
      burst: 30,
      nack: false,
      reorder: true,
    });
  });

  it.each([
    [['record', '--streams', '0'], '--streams 0 '],
    [['record', '--seconds', '2.5'], '--seconds 2.5 '],
    [['record', '--rounds', 'many'], '--rounds many '],
    [['record', '--only', 'vlc'], '--only vlc '],
    [['record', '--loss', '5'], '--loss needs --only hub'],
    [['record', '--only', 'hub', '--loss', '51'], '--loss 51 '],
    [['align', '--jitter', '-1'], '--jitter'],
    [['crash', '--seconds', '5'], '--seconds'],
    [['crash', '--keep', ''], '--keep'],
    [['search', '--operations', '10'], '--operations 10 '],
    [['polish'], 'polish'],
    [[], 'which bench?'],
  ])('%j is refused by name', (argv, message) => {
    expect(() => readArgs(argv)).toThrow(message);
  });
});
