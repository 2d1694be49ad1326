import { describe, expect, it } from 'vitest';
import { layerFor } from '../../../media/sfu/layer-choice.ts';

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
