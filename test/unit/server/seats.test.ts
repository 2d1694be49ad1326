import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLink, listLinks, revokeUnused } from '../../../server/store/capture-links.ts';
import { newId } from '../../../server/live/new-angle.ts';
import { openStore, type Store } from '../../../server/store/database.ts';
import { insertAngle, insertOperation } from '../../../server/store/operations.ts';
import { angleHolders, chooseAngle, heldByOther, noteJoined } from '../../../server/store/seats.ts';
import { captureGrant, exchangeToken } from '../../../server/store/sessions.ts';

const OPERATION = '20260101-aaaaaaaa';
const NOW = 1.8e12;
const who = (present?: string) => ({ present, device: 'Android · Chrome', address: '10.0.0.7' });
let store: Store;
beforeEach(async () => {
  store = openStore(':memory:');
  await insertOperation(store, { operationId: OPERATION, name: '拆除', openedMs: NOW, segmentMs: 4000 });
  await insertAngle(store, OPERATION, 'an-north', '北门');
});
afterEach(() => store.destroy());

const link = (angleId: string | null, devices: 'one' | 'several' = 'several') =>
  createLink(store, { linkId: newId('ln'), operationId: OPERATION, angleId, devices, label: null, expiresMs: NOW + 1000 }, NOW);

describe('who holds an angle', () => {
  const recording = { status: 'recording' };
  const interrupted = { status: 'interrupted' };

  it('is the device that joined last and has not stopped, also for a hub that has just started', async () => {
    const { token } = await link(null);
    const one = (await exchangeToken(store, token, who(), NOW)).grant;
    await chooseAngle(store, one.sessionHash, 'an-north');
    expect((await angleHolders(store, OPERATION)).size).toBe(0);
    await noteJoined(store, one.sessionHash, NOW);
    expect((await angleHolders(store, OPERATION)).get('an-north')).toMatchObject({ owner: one.sessionHash, joinedMs: NOW });
    await noteJoined(store, one.sessionHash, null);
    expect((await angleHolders(store, OPERATION)).size).toBe(0);
  });

  it('is left to it while it records or is about to, and free to take when it is neither', () => {
    const holder = { owner: 'a', device: '', joinedMs: NOW };
    const other = 'b';
    expect(heldByOther(recording, holder, other, NOW + 1e6)).toBe(true);
    expect(heldByOther(interrupted, holder, other, NOW + 5000)).toBe(true);
    expect(heldByOther(interrupted, holder, other, NOW + 60_000)).toBe(false);
    expect(heldByOther(recording, holder, 'a', NOW)).toBe(false);
  });

  it('is who films by the media plane’s word, whatever the store says; a camera is nobody’s', () => {
    const holder = { owner: 'a', device: '', joinedMs: NOW };
    expect(heldByOther(recording, undefined, 'b', NOW, { owner: 'b' })).toBe(false);
    expect(heldByOther(recording, holder, 'b', NOW, { owner: 'b' })).toBe(false);
    expect(heldByOther(recording, holder, 'a', NOW, { owner: 'b' })).toBe(true);
    expect(heldByOther(recording, undefined, 'b', NOW, { owner: null })).toBe(true);
    expect(heldByOther(recording, undefined, 'b', NOW)).toBe(false);
  });

  it('is each device’s own, also of those with one link', async () => {
    const narrow = await link('an-north');
    const [a, b] = [await exchangeToken(store, narrow.token, who(), NOW), await exchangeToken(store, narrow.token, who(), NOW)];
    expect(a.grant.sessionHash).not.toBe(b.grant.sessionHash);
    expect(a.grant).toMatchObject({ angleId: 'an-north', wide: false });
    await insertAngle(store, OPERATION, 'an-north-2', '北门 2');
    await chooseAngle(store, b.grant.sessionHash, 'an-north-2');
    expect((await captureGrant(store, b.session)).angleId).toBe('an-north-2');
    expect((await captureGrant(store, a.session)).angleId).toBe('an-north');
    const wide = await link(null);
    expect((await exchangeToken(store, wide.token, who(), NOW)).grant.angleId).toBeNull();
  });
});

describe('a link for one device', () => {
  it('is the first one’s, whichever of many that come at once', async () => {
    const { token } = await link('an-north', 'one');
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => exchangeToken(store, token, who(), NOW)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of tries) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'conflict', field: 'device' });
  });

  it('knows its device by its cookie, also after it has expired, and keeps its session', async () => {
    const { token } = await link('an-north', 'one');
    const { session } = await exchangeToken(store, token, who(), NOW);
    expect((await exchangeToken(store, token, who(session), NOW + 1e9)).session).toBe(session);
    await expect(exchangeToken(store, token, who('x'.repeat(43)), NOW)).rejects.toMatchObject({ field: 'device' });
    expect((await captureGrant(store, session)).angleId).toBe('an-north');
  });
});

it('a link that another one replaces is void, unless it has been opened', async () => {
  const [unused, used] = [await link(null), await link(null)];
  const { session } = await exchangeToken(store, used.token, who(), NOW);
  expect(await revokeUnused(store, OPERATION, unused.linkId)).toBe(true);
  expect(await revokeUnused(store, OPERATION, used.linkId)).toBe(false);
  await expect(exchangeToken(store, unused.token, who(), NOW)).rejects.toMatchObject({ code: 'gone', field: 'revoked' });
  await captureGrant(store, session);
  const listed = await listLinks(store, OPERATION, NOW, new Set());
  expect(listed.find(({ linkId }) => linkId === used.linkId)).toMatchObject({
    state: 'open',
    uses: [{ device: 'Android · Chrome', address: '10.0.0.7' }],
  });
  expect(listed.find(({ linkId }) => linkId === unused.linkId)).toMatchObject({ state: 'revoked', uses: [] });
});
