import { describe, expect, it } from 'vitest';
import { entryData } from '../../../server/custody/lines.ts';

const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as [];
const of = (detail: Record<string, never[]>) =>
  entryData({ what: 'setting.changed', who: { kind: 'hub', id: null, name: null, address: null }, detail }, 1).detail;

describe('the details of an entry', () => {
  it('are kept as they are', () => {
    expect(of({ ids: nested(5) })).toEqual({ ids: nested(5) });
  });

  it('that are nested without end are cut where nobody looks any more, and that shows', () => {
    const text = JSON.stringify(of({ ids: nested(30_000) }));
    expect(text).toBe(`{"ids":${'['.repeat(12)}"…"${']'.repeat(12)}}`);
  });
});
