import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashPassword } from '../../server/people/passwords.ts';
import type { Alarm } from '../../media/protocol/alarms.ts';
import { consoleAlarms } from '../../server/signalling/alarm-requests.ts';
import { ConsolePermit } from '../../server/signalling/console-permit.ts';
import { Membership } from '../../server/signalling/media-requests.ts';
import { consoleTakeovers } from '../../server/signalling/takeover-requests.ts';
import { hash } from '../../server/store/sessions.ts';
import { ANGLE, type Answer, ask, type Asking, OPERATION, operationWith, personWith, readLines } from '../support/custody-plane.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const PASSWORD = 'a long way to the gates';
let plane: ControlPlane;
let cookie = '';
beforeAll(async () => {
  plane = await controlPlane();
  cookie = await personWith(plane, 'pe-root', ['administrator', 'leader', 'custodian', 'commander'], await hashPassword(PASSWORD));
  await operationWith(plane);
});
afterAll(() => plane.close());

const root: Asking = (method, url, payload) => ask(plane, cookie, { method, url: `/api${url}`, ...(payload && { payload }) });
const lines = async (query: string) => (await readLines(plane, cookie, query)).lines;
const outcomes = async (query: string) => (await lines(query)).map(({ outcome }) => outcome);
const links = `/operations/${OPERATION}/links`;
const exchange = (token: string, more: { cookie?: string; address?: string } = {}): Promise<Answer> =>
  ask(plane, more.cookie ?? '', { method: 'POST', url: '/api/capture/session', payload: { token }, address: more.address ?? '10.1.0.1' });
const secretOf = ({ body }: Answer): string => String(body['url']).split('#')[1] ?? '';

describe('a line says', () => {
  it('what was exported: which list, and by what it was narrowed', async () => {
    expect((await root('GET', `/operations.csv?q=${encodeURIComponent('拆除')}&lang=zh-CN&zone=Asia/Shanghai`)).status).toBe(200);
    expect((await root('GET', '/custody/export')).status).toBe(200);
    const [log, list] = await lines('what=export');
    expect(log?.detail).toEqual({ exported: 'custody-log' });
    expect(list?.detail).toMatchObject({ exported: 'operations', q: '拆除', lang: 'zh-CN' });
  });

  it('by its id what was made', async () => {
    const made = [
      ['squad.made', 'squadId', await root('POST', '/squads', { name: '一中队' })],
      ['link.made', 'linkId', await root('POST', links, {})],
      [
        'token.made',
        'tokenId',
        await root('POST', '/session/tokens', { name: '大屏', permissions: ['operation.see'], days: 1, password: PASSWORD }),
      ],
      ['person.made', 'personId', await root('POST', '/people', { login: 'zhang', name: '张三', roles: [] })],
    ] as const;
    for (const [what, name, { status, body }] of made) {
      expect([what, status]).toEqual([what, 201]);
      const item = (body['item'] ?? body['person'] ?? body) as Record<string, unknown>;
      const [line] = await lines(`what=${what}`);
      expect([what, line?.subject]).toEqual([what, item[name]]);
    }
    const facts = { number: '案-1', cause: '占道', parties: [], stage: 'filing', confidentiality: 'open', squadId: null };
    const opened = await root('POST', '/cases', facts);
    expect((await lines('what=case.made'))[0]?.subject).toBe(opened.body['caseId']);
  });

  it('of a device which one it is, from its entry until it is taken back', async () => {
    const [squad] = await plane.context.store.selectFrom('squad').select('squad_id').execute();
    const facts = { squadId: squad?.squad_id, type: 'body-camera', serial: 'BC-1', model: 'T8' };
    const { body } = await root('POST', '/devices', facts);
    const deviceId = String(body['deviceId']);
    expect((await lines('what=device.made'))[0]?.subject).toBe(deviceId);
    const out = await root('POST', `/devices/${deviceId}/uses`, { personId: 'pe-root' });
    const { useId } = out.body['out'] as { useId: string };
    expect((await root('POST', `/devices/${deviceId}/uses/${useId}/end`)).status).toBe(200);
    expect((await lines('what=device.changed'))[0]).toMatchObject({ subject: useId, detail: { deviceId } });
  });

  it('which links are void: the one that was replaced, and all of an angle', async () => {
    const first = await root('POST', links, {});
    const second = await root('POST', links, { replaces: first.body['linkId'] });
    const [revoked] = await lines('what=link.revoked');
    expect(revoked).toMatchObject({ subject: first.body['linkId'], detail: { replacedBy: second.body['linkId'] } });
    expect((await exchange(secretOf(second))).status).toBe(200);
    await root('POST', links, { replaces: second.body['linkId'] }); // it has been opened, and stays
    expect(await lines('what=link.revoked')).toHaveLength(1);
    const one = await root('POST', `/operations/${OPERATION}/angles/${ANGLE}/links`, {});
    const two = await root('POST', `/operations/${OPERATION}/angles/${ANGLE}/links`, {});
    expect((await root('DELETE', `/operations/${OPERATION}/angles/${ANGLE}/links`)).status).toBe(204);
    const [all] = await lines('what=link.revoked');
    expect(all).toMatchObject({ angleId: ANGLE, detail: { links: [one.body['linkId'], two.body['linkId']] } });
    expect((await exchange(secretOf(two))).status).toBe(410);
  });

  it('that a link was not replaced, where somebody opened it at the last moment', async () => {
    const first = await root('POST', links, {});
    const { custody } = plane.context;
    const record = custody.record.bind(custody);
    custody.record = async (entry) => {
      if (entry.what === 'link.revoked') expect((await exchange(secretOf(first))).status).toBe(200);
      return record(entry);
    };
    const second = await root('POST', links, { replaces: first.body['linkId'] }).finally(() => (custody.record = record));
    expect(second.status).toBe(201);
    const [failed, done] = await lines('what=link.revoked');
    for (const line of [failed, done]) expect(line?.subject).toBe(first.body['linkId']);
    expect([done?.outcome, failed?.outcome]).toEqual(['done', 'failed']);
    const { body } = await root('GET', links);
    const listed = body['links'] as { linkId: string; state: string }[];
    expect(listed.find(({ linkId }) => linkId === first.body['linkId'])?.state).toBe('open');
  });

  it('every link that is void with an angle: none is made for it once it is being taken out, until that has failed', async () => {
    const { custody, store } = plane.context;
    const planned = '20260101-dddddddd';
    await operationWith(plane, planned);
    await store.updateTable('operation_facts').set({ state: 'planned' }).where('operation_id', '=', planned).execute();
    const angle = `/operations/${planned}/angles/${ANGLE}`;
    const before = await root('POST', `${angle}/links`, {});
    const record = custody.record.bind(custody);
    custody.record = async (entry) => {
      const head = await record(entry);
      if (entry.what !== 'angle.removed') return head;
      expect((await root('POST', `${angle}/links`, {})).status).toBe(404);
      expect((await root('DELETE', angle)).status).toBe(404); // nor is it taken out by two
      return head;
    };
    const { status } = await root('DELETE', angle).finally(() => (custody.record = record));
    expect(status).toBe(503); // the media plane is away
    const removed = await lines(`what=angle.removed&operation=${planned}`);
    expect(removed.map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
    expect(removed[1]?.detail).toEqual({ links: [before.body['linkId']] });
    expect((await root('POST', `${angle}/links`, {})).status).toBe(201);
  });

  it('of a source where it is fetched from, and none of its secrets', async () => {
    const source = { url: 'rtsp://guard:sesame@10.0.0.9:8554/live?key=sesame', user: 'guard', password: 'sesame' };
    expect((await root('POST', `/operations/${OPERATION}/angles/${ANGLE}/source`, source)).status).toBe(503);
    const [failed, done] = await lines('what=source.added');
    expect(done).toMatchObject({ angleId: ANGLE, outcome: 'done', detail: { source: 'rtsp', address: '10.0.0.9:8554' } });
    expect(failed?.outcome).toBe('failed');
    expect(JSON.stringify([failed, done])).not.toContain('sesame');
  });

  it('whether an authenticator was set up or removed, and that a password was wrong', async () => {
    expect((await root('POST', '/session/totp', { password: 'wrong' })).status).toBe(401);
    expect((await lines('what=refused'))[0]?.detail).toMatchObject({ route: '/api/session/totp', why: 'wrong password' });
    expect((await root('POST', '/session/passkeys/options', { password: 'wrong' })).status).toBe(401);
    expect((await lines('what=refused'))[0]?.detail).toMatchObject({ route: '/api/session/passkeys/options', why: 'wrong password' });
    const { body } = await root('POST', '/session/totp', { password: PASSWORD });
    const code = new TOTP({ secret: String(body['secret']) }).generate();
    expect((await root('PUT', '/session/totp', { code })).status).toBe(204);
    expect((await root('DELETE', '/session/totp', { password: PASSWORD })).status).toBe(204);
    const changes = (await lines('what=person.totp')).map(({ detail }) => detail);
    expect(changes).toEqual([{ change: 'removed' }, { change: 'set-up' }]);
    for (let i = 0; i < 15; i += 1) await root('POST', '/session/totp', { password: 'wrong' });
    const tried = (await lines('what=refused')).filter(({ detail }) => detail['route'] === '/api/session/totp');
    expect(tried[0]?.detail).toMatchObject({ why: 'too many attempts' });
    expect(tried).toHaveLength(12); // one from before, ten of these, and that there were too many
  });
});

describe('what did not happen', () => {
  it('has its failure after its line: no token beyond twenty, no operation or angle without a media plane', async () => {
    plane.context.attempts.clear('password pe-root'); // of the tries with a wrong one
    const more = { password: PASSWORD, name: '备用', permissions: ['operation.see'], days: 1 };
    for (let i = 0; i < 19; i += 1) await root('POST', '/session/tokens', more);
    expect((await root('POST', '/session/tokens', more)).status).toBe(409);
    expect((await outcomes('what=token.made')).slice(0, 3)).toEqual(['failed', 'done', 'done']);
    expect((await root('POST', '/operations', { name: '没有媒体', angles: ['东门'] })).status).toBe(503);
    const [failed, done] = await lines('what=operation.opened');
    expect([failed?.outcome, done?.outcome]).toEqual(['failed', 'done']);
    expect(failed?.operationId).toBe(done?.operationId);
    expect(done?.detail['angles']).toEqual([{ angleId: expect.stringMatching(/^an-/) as string, name: '东门' }]);
    expect((await root('POST', `/operations/${OPERATION}/angles`, { name: '西门' })).status).toBe(503);
    const angles = await lines('what=angle.made');
    expect(angles.map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
    expect(angles[0]?.angleId).toMatch(/^an-/);
    expect(angles[0]?.angleId).toBe(angles[1]?.angleId);
  });

  it('has none at all: an operation that has ended is not ended again', async () => {
    const { store } = plane.context;
    await operationWith(plane, '20260101-eeeeeeee');
    await store.updateTable('operation').set({ status: 'ended' }).where('operation_id', '=', '20260101-eeeeeeee').execute();
    expect((await root('POST', '/operations/20260101-eeeeeeee/end')).status).toBe(200);
    expect(await lines('what=operation.ended')).toEqual([]);
  });
});

describe('a phone', () => {
  it('has one line for its link, however often it comes, and opens it with sixty others at once', async () => {
    const token = secretOf(await root('POST', links, {}));
    const before = (await lines('what=link.used&size=500')).length;
    const all = await Promise.all(Array.from({ length: 60 }, () => exchange(token)));
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
    for (let i = 0; i < 3; i += 1) for (const phone of all) expect((await exchange(token, { cookie: phone.cookie })).status).toBe(200);
    expect((await lines('what=link.used&size=500')).length - before).toBe(60);
    for (let i = 0; i < 120; i += 1) await exchange(token);
    expect((await exchange(token)).status).toBe(429);
    expect((await exchange(token, { address: '10.1.0.2' })).status).toBe(200); // others are not held up
    expect((await exchange(token, { cookie: all[0]?.cookie ?? '' })).status).toBe(200);
    const sessions = await plane.context.store.selectFrom('session').where('kind', '=', 'capture').select('session_hash').execute();
    expect((await lines('what=link.used&size=500')).length).toBe(sessions.length);
  });

  it('leaves no tick that was none', async () => {
    const token = secretOf(await root('POST', `/operations/${OPERATION}/angles/${ANGLE}/links`, {}));
    const { cookie: phone } = await exchange(token, { address: '10.1.0.3' });
    const tick = () => ask(plane, phone, { method: 'POST', url: '/api/capture/shots/sh-none/tick', payload: {} });
    const statuses = [];
    for (let i = 0; i < 121; i += 1) statuses.push((await tick()).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([404, 429]);
    expect(await lines('what=shot.ticked')).toEqual([]);
  });

  it('that is an encoder has its line with its first request, and no other', async () => {
    const token = secretOf(await root('POST', links, {}));
    const before = (await lines('what=link.used&size=500')).length;
    const url = `/whip/${OPERATION}/${ANGLE}`;
    const headers = { host: '127.0.0.1', authorization: `Bearer ${token}`, 'user-agent': 'OBS-Studio/31.0' };
    for (let i = 0; i < 3; i += 1) expect((await plane.app.inject({ method: 'GET', url, headers })).statusCode).toBe(204);
    const after = await lines('what=link.used&size=500');
    expect(after.length - before).toBe(1);
    expect(after[0]).toMatchObject({
      who: { kind: 'link' },
      angleId: ANGLE,
      detail: { device: expect.stringContaining('OBS-Studio') as string },
    });
  });

  it('is given an angle, or not, by somebody whom the log names, before it is so', async () => {
    const { context } = plane;
    const sessionHash = hash(cookie.split('=')[1] ?? '');
    const permit = new ConsolePermit(context, sessionHash, '10.1.0.9');
    const membership = new Membership('viewer');
    Object.assign(membership, { peerId: 'desk-0001', operationId: OPERATION });
    const { answerTakeover } = consoleTakeovers(context, membership, permit);
    const asking = { operationId: OPERATION, angleId: ANGLE, sessionHash: 'phone', device: 'Pixel', from: 'iPhone' };
    for (const agree of [true, false]) {
      const { requestId } = context.hub.takeovers.ask(asking);
      await permit.check('answerTakeover', {}, OPERATION);
      await answerTakeover({ requestId, agree });
      expect((await lines('what=takeover.answered'))[0]).toMatchObject({
        who: { id: 'pe-root', address: '10.1.0.9' },
        operationId: OPERATION,
        angleId: ANGLE,
        subject: requestId,
        detail: { agree, device: 'Pixel', fromDevice: 'iPhone' },
      });
      await expect(answerTakeover({ requestId, agree })).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(await lines('what=takeover.answered')).toHaveLength(2);
    const { requestId } = context.hub.takeovers.ask(asking);
    const record = context.custody.record.bind(context.custody);
    context.custody.record = async (entry) => record(entry).finally(() => context.hub.takeovers.withdraw('phone')); // it gave up meanwhile
    await expect(answerTakeover({ requestId, agree: true }).finally(() => (context.custody.record = record))).rejects.toThrow();
    expect((await lines('what=takeover.answered'))[0]).toMatchObject({
      outcome: 'failed',
      detail: { code: 'not_found', field: 'requestId', why: expect.any(String) as string },
    });
    expect(context.hub.takeovers.redeem('phone', ANGLE)).toBe(true);
  });
});

describe('an alarm', () => {
  it('that could not be dismissed does not stand as dismissed', async () => {
    const { context } = plane;
    const permit = new ConsolePermit(context, hash(cookie.split('=')[1] ?? ''), '10.1.0.9');
    await permit.check('dismissAlarm', {}, OPERATION);
    const membership = new Membership('viewer');
    Object.assign(membership, { peerId: 'desk-0001', operationId: OPERATION });
    const alarm: Alarm = { alarmId: 'disk-low', code: 'disk-low', message: 'low', facts: {}, atMs: 1, lasting: true };
    context.hub.standing.heard({ type: 'alarm', alarm });
    const { dismissAlarm } = consoleAlarms(context, membership, permit);
    await expect(dismissAlarm({ alarmId: 'disk-low' })).rejects.toMatchObject({ code: 'unavailable' }); // the media plane is away
    expect((await lines('what=alarm.dismissed')).map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
  });
});
