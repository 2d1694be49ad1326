import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EffectScope, effectScope, nextTick, shallowRef } from 'vue';
import type { CaptureSession } from '../../../server/protocol/capture.ts';
import { ApiFailure } from '../../../web/composables/api.ts';
import { type Turn, useTakeover } from '../../../web/composables/use-takeover.ts';

const session = (name: string, used: boolean): CaptureSession => ({
  operationId: '20260101-aaaaaaaa',
  operationName: '拆除',
  angleId: 'an-north',
  angleName: name,
  angles: null,
  inUse: used ? { device: 'V2309A · Android · Chrome', kind: 'phone', sinceMs: 1.8e12 } : null,
  socketToken: null,
  hubTimeMs: 1.8e12,
});

let scope: EffectScope;
let turns: (Turn | null)[];
let failures: unknown[];
let refusal: ApiFailure | null;
const told = shallowRef<CaptureSession | null>(null);
const wish = (): ReturnType<typeof useTakeover> =>
  useTakeover({
    session: told,
    signalling: shallowRef(null),
    connect: () => undefined,
    chooseBeside: async () => {
      await nextTick();
      if (refusal) throw refusal;
      told.value = session('北门 2', false); // as the hub's answer says
    },
    ready: (turn) => turns.push(turn),
    failed: (error) => failures.push(error),
  });
let takeover: ReturnType<typeof useTakeover>;
beforeEach(() => {
  scope = effectScope();
  turns = [];
  failures = [];
  refusal = null;
  told.value = session('北门', true);
  takeover = scope.run(wish) as ReturnType<typeof useTakeover>;
  takeover.open();
});
afterEach(() => scope.stop());

/** All that has been begun has ended. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a phone whose angle another one films', () => {
  it('begins once, and for the right reason, when nobody has answered and it films beside it', async () => {
    await takeover.ask();
    takeover.heard({ decision: 'unanswered' });
    await settled();
    expect(turns).toEqual(['unanswered']);
    expect(takeover.state.value).toBe('closed');
  });

  it('begins once when it would rather film beside it', async () => {
    await takeover.ask();
    const moved = takeover.beside();
    expect(takeover.state.value).toBe('moving');
    takeover.heard({ decision: 'withdrawn' }); // which the hub makes of it
    await moved;
    await settled();
    expect(turns).toEqual(['beside']);
  });

  it('begins when the other one has stopped, if it has asked; else it may', async () => {
    told.value = session('北门', false);
    await settled();
    expect(turns).toEqual([null]);
    takeover.open();
    await takeover.ask();
    told.value = session('北门', false);
    await settled();
    expect(turns).toEqual([null, 'free']);
  });

  it('can ask again when there can be no angle beside it', async () => {
    refusal = new ApiFailure('conflict', 'an operation has 60 angles at most', 'angles-full');
    await takeover.beside();
    expect([takeover.state.value, turns, failures]).toEqual(['idle', [], [refusal]]);
    refusal = new ApiFailure('conflict', 'its angle is free', 'free');
    await takeover.beside();
    expect(turns).toEqual(['free']);
  });
});
