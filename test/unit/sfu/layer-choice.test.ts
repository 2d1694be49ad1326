import { describe, expect, it } from 'vitest';
import { layerFor, priorityFor } from '../../../media/sfu/layer-choice.ts';

describe('the layer that a viewer is sent', () => {
  it('is the lowest that fills the picture, or nearly', () => {
    expect([90, 180, 225, 226, 360, 450, 451, 720, 2160].map((px) => layerFor(px, 720, 3))).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(layerFor(300, 1080, 2)).toBe(0);
  });

  it('is the only one where there is one, and the top while nobody knows its size', () => {
    expect(layerFor(100, 720, 1)).toBe(0);
    expect(layerFor(100, null, 3)).toBe(2);
  });
});

describe('whose turn comes first', () => {
  it('is the larger picture, and of equals the one with small layers', () => {
    expect(priorityFor(720, 3)).toBeGreaterThan(priorityFor(240, 3));
    expect(priorityFor(240, 3)).toBeGreaterThan(priorityFor(240, 1));
    expect(priorityFor(720, 1)).toBeGreaterThan(priorityFor(90, 3)); // a camera in focus comes before small tiles
  });

  it('is a number that the SFU takes', () => {
    expect([priorityFor(1, 1), priorityFor(1, 3), priorityFor(4320, 3)]).toEqual([1, 1, 255]);
  });
});
