import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureLink } from '../../server/protocol/http.ts';
import { metric, type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { sessionAt } from '../../scripts/demo/sign-in.ts';
import { type RawAsk, rawHttp, type RawReply } from '../support/raw-http.ts';
import { ffmpegOffer, gstreamerOffer, obsOffer, obsSimulcastOffer, playerOffer } from '../support/sdp-offers.ts';

const SDP = { 'content-type': 'application/sdp' };
const FRAGMENT = { 'content-type': 'application/trickle-ice-sdpfrag' };
const ICE = 'a=ice-ufrag:abcd\r\na=ice-pwd:efghijklmnopqrstuvwxyz12\r\n';

let root = '';
let hub: RunningHub;
let operation: PhoneOperation;
/** Everything is asked of angle 0; another has links of its own. */
let endpoint = '';
let token = '';
let otherToken = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whip-'));
  hub = await startHub(join(root, 'data'));
  operation = await phoneOperation(hub, ['编码器', '另一个']);
  const [angle, other] = operation.angles;
  endpoint = `/whip/${operation.operationId}/${angle?.angleId}`;
  token = angle?.url.split('#')[1] ?? '';
  otherToken = other?.url.split('#')[1] ?? '';
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });
const ask = (path: string, { headers, ...rest }: RawAsk = {}, secret: string | null = token): Promise<RawReply> =>
  rawHttp(hub.url + path, { headers: { ...(secret === null ? {} : bearer(secret)), ...headers }, ...rest });
/** As the commander who is signed in. */
const command = (path: string, method = 'GET'): Promise<RawReply> =>
  rawHttp(`${hub.url}/api${path}`, { method, headers: { cookie: sessionAt(hub.url)?.cookie ?? '' } });
const post = (body: string, headers: Record<string, string> = SDP, secret: string | null = token, path = endpoint): Promise<RawReply> =>
  ask(path, { method: 'POST', headers, body }, secret);
const json = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body) as Record<string, unknown>;
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');
const newLink = async (angleId: string): Promise<string> => {
  const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operation.operationId}/angles/${angleId}/links`);
  return url.split('#')[1] ?? '';
};

describe('a session', () => {
  it.each([
    ['OBS', obsOffer],
    ['OBS with layers', obsSimulcastOffer],
    ['ffmpeg', ffmpegOffer],
    ['GStreamer', gstreamerOffer],
  ])('begins with the offer of %s and ends with DELETE', async (_, offer) => {
    const begun = await post(offer);
    expect(begun.status).toBe(201);
    expect(begun.headers).toMatchObject({ 'content-type': 'application/sdp', 'accept-patch': 'application/trickle-ice-sdpfrag' });
    expect(begun.headers['etag']).toMatch(/^"[a-z0-9]{8,}"$/);
    expect(begun.body).toMatch(/^v=0\r\n/);
    const session = String(begun.headers['location']);
    expect(session).toMatch(new RegExp(`^${endpoint}/[0-9a-f]{32}$`));
    expect(await transports()).toBe(1);
    expect((await ask(session)).status).toBe(204);
    const ended = await ask(session, { method: 'DELETE' });
    expect([ended.status, ended.body]).toEqual([200, '']);
    expect(await transports()).toBe(0);
    for (const method of ['DELETE', 'GET']) expect((await ask(session, { method })).status).toBe(404);
    expect((await ask(session, { method: 'PATCH', headers: { ...FRAGMENT, 'if-match': '*' }, body: ICE })).status).toBe(404);
  });

  it('takes candidates under its tag, restarts ICE under a new one, and says what was wrong', async () => {
    const begun = await post(obsOffer);
    const session = String(begun.headers['location']);
    const etag = String(begun.headers['etag']);
    const patch = (body: string, headers: Record<string, string>, secret = token): Promise<RawReply> =>
      ask(session, { method: 'PATCH', headers: { ...FRAGMENT, ...headers }, body }, secret);
    const candidate = `${ICE}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n`;
    const trickled = await patch(candidate, { 'if-match': etag });
    expect([trickled.status, trickled.body, trickled.headers['etag']]).toEqual([204, '', undefined]);
    expect((await patch(candidate, { 'if-match': `"other", ${etag}` })).status).toBe(204);
    expect((await patch(candidate, {})).status).toBe(428);
    expect((await patch(candidate, { 'if-match': '"other"' })).status).toBe(412);
    expect((await patch('nonsense', { 'if-match': etag })).status).toBe(400);
    expect((await patch('a=end-of-candidates\r\n', { 'if-match': '*' })).status).toBe(400);
    expect((await patch(obsOffer, { 'if-match': '*', 'content-type': 'application/sdp' })).status).toBe(415);
    expect((await patch(ICE, { 'if-match': '*' }, otherToken)).status).toBe(403);
    const restarted = await patch(ICE, { 'if-match': '*' });
    expect(restarted.status).toBe(200);
    expect(restarted.headers['content-type']).toBe('application/trickle-ice-sdpfrag');
    expect(restarted.headers['etag']).not.toBe(etag);
    expect(restarted.body).toContain(`a=ice-ufrag:${String(restarted.headers['etag']).replaceAll('"', '')}`);
    expect((await patch(candidate, { 'if-match': etag })).status).toBe(412);
    expect((await patch(candidate, { 'if-match': String(restarted.headers['etag']) })).status).toBe(204);
    expect((await ask(session, { method: 'DELETE', headers: { 'if-match': '"ignored"' } })).status).toBe(200);
  });

  it('is replaced by the next of the same token while nothing comes, and only its own link may touch it', async () => {
    const first = String((await post(obsOffer)).headers['location']);
    const second = String((await post(obsOffer)).headers['location']);
    expect(await transports()).toBe(1);
    expect((await ask(first, { method: 'DELETE' })).status).toBe(404);
    const another = await newLink(operation.angles[0]?.angleId ?? '');
    expect((await ask(second, { method: 'DELETE' }, another)).status).toBe(403);
    expect((await ask(second, { method: 'DELETE' })).status).toBe(200);
  });

  it('of a client that never connects is closed after half a minute', async () => {
    expect((await post(obsOffer)).status).toBe(201);
    await until('the transport is gone', async () => (await transports()) === 0, 40_000);
  });

  it('two at once leave one', async () => {
    const replies = await Promise.all([post(obsOffer), post(obsOffer), post(obsOffer)]);
    for (const { status } of replies) expect([201, 409]).toContain(status);
    expect(await transports()).toBe(1);
    for (const { headers, status } of replies) if (status === 201) await ask(String(headers['location']), { method: 'DELETE' });
    expect(await transports()).toBe(0);
  });
});

describe('what is refused leaves nothing behind', () => {
  it('offers: wrong type, no SDP, too large, not acceptable, each with its reason', async () => {
    expect((await post(obsOffer, { 'content-type': 'application/json' })).status).toBe(415);
    expect((await post(ICE, FRAGMENT)).status).toBe(415);
    expect((await post(obsOffer, {})).status).toBe(415);
    expect((await post('')).status).toBe(400);
    const charset = await post(obsOffer, { 'content-type': 'Application/SDP; charset=utf-8' });
    expect(charset.status).toBe(201);
    expect((await ask(String(charset.headers['location']), { method: 'DELETE' })).status).toBe(200);
    const malformed = await post('v=0\r\nnonsense\r\n');
    expect([malformed.status, json(malformed)]).toEqual([
      400,
      { code: 'bad_request', message: 'SDP offer: line 2 is no SDP', field: 'sdp' },
    ]);
    const huge = await post(`${obsOffer}${'a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n'.repeat(25_000)}`);
    expect(huge.status).toBe(413);
    const h265 = await post(obsOffer.replace('H264/90000', 'H265/90000'));
    expect([h265.status, json(h265)['message']]).toEqual([406, expect.stringContaining('H265')]);
    expect((await post(playerOffer)).status).toBe(422);
    const clash = await post(obsOffer.replaceAll('ssrc:1112', 'ssrc:1111'));
    expect([clash.status, json(clash)['message']]).toEqual([400, 'SDP offer: SSRC 1111 stands for two streams']);
    expect(await transports()).toBe(0);
  });

  it('methods that are for later, and OPTIONS asks for no token', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const reply = await ask(endpoint, { method, ...(method === 'DELETE' ? {} : { headers: SDP, body: obsOffer }) }, null);
      expect([reply.status, reply.headers['allow']]).toEqual([405, 'OPTIONS, GET, HEAD, POST']);
    }
    expect((await ask(`${endpoint}/${'0'.repeat(32)}`, { method: 'POST', headers: SDP, body: obsOffer })).status).toBe(405);
    expect((await ask(endpoint)).status).toBe(204);
    const options = await rawHttp(hub.url + endpoint, { method: 'OPTIONS', headers: { origin: 'https://studio.example' } });
    expect(options.status).toBe(200);
    expect(options.headers).toMatchObject({
      'accept-post': 'application/sdp',
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'Authorization, Content-Type, If-Match',
    });
    expect(options.headers['access-control-expose-headers']).toContain('Location, ETag, Link');
  });

  it('addresses that are none', async () => {
    const { operationId, angles } = operation;
    expect((await post(obsOffer, SDP, token, `/whip/20260101-aaaaaaaa/${angles[0]?.angleId}`)).status).toBe(404);
    expect((await post(obsOffer, SDP, token, `/whip/${operationId}/an-aaaaaaaa`)).status).toBe(404);
    expect((await post(obsOffer, SDP, otherToken)).status).toBe(403);
    expect((await ask(`${endpoint}/nonsense`, { method: 'DELETE' })).status).toBe(400);
    expect(await transports()).toBe(0);
  });

  it('tokens: none, wrong, expired before their first use, revoked; an encoder that is there stays when its link expires', async () => {
    const none = await post(obsOffer, SDP, null);
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer realm="fieldhub whip"']);
    const wrong = await post(obsOffer, SDP, 'x'.repeat(43));
    expect([wrong.status, wrong.headers['www-authenticate']]).toEqual([401, 'Bearer realm="fieldhub whip", error="invalid_token"']);
    // before anything of the body is read
    expect((await post('x'.repeat(1_000_000), SDP, 'x'.repeat(43))).status).toBe(401);
    const angleId = operation.angles[0]?.angleId ?? '';
    const path = `/operations/${operation.operationId}/angles/${angleId}/links`;
    const late = await newLink(angleId);
    const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'));
    store.exec('PRAGMA busy_timeout = 5000; UPDATE capture_link SET expires_ms = 1');
    store.close();
    const expired = await post(obsOffer, SDP, late);
    expect([expired.status, json(expired)['field']]).toEqual([401, 'expired']);
    const begun = await post(obsOffer); // this token was used in time
    expect(begun.status).toBe(201);
    // revoked while another session of it is being made: that one must not stay either
    const [meanwhile] = await Promise.all([post(obsOffer), command(path, 'DELETE')]);
    expect([201, 401, 409, 410]).toContain(meanwhile.status);
    await until('the session of a revoked link is closed', async () => (await transports()) === 0);
    const revoked = await post(obsOffer);
    expect([revoked.status, json(revoked)['field']]).toEqual([401, 'revoked']);
    token = await newLink(angleId);
    expect(hub.output()).not.toContain(token);
    expect(hub.output()).not.toContain(otherToken);
  });
});

it('a link of the whole operation is good for each of its angles, one for one device for the first alone; the list says who came', async () => {
  const base = `/operations/${operation.operationId}`;
  const [first, second] = operation.angles.map(({ angleId }) => `/whip/${operation.operationId}/${angleId}`);
  const link = async (devices: string): Promise<string> => {
    const { url } = await call(hub, CaptureLink, 'POST', `${base}/links`, { devices });
    return url.split('#')[1] ?? '';
  };
  const several = await link('several');
  const begun = [await post(obsOffer, SDP, several, first), await post(obsOffer, SDP, several, second)];
  expect(begun.map(({ status }) => status)).toEqual([201, 201]);
  expect(await transports()).toBe(2); // two devices: neither replaces the other
  for (const { headers } of begun) expect((await ask(String(headers['location']), { method: 'DELETE' }, several)).status).toBe(200);
  const one = await link('one');
  const own = await post(obsOffer, { ...SDP, 'user-agent': 'OBS-Basic/31.0.0 (Linux x86_64)' }, one, second);
  expect(own.status).toBe(201);
  const other = await post(obsOffer, SDP, one, first);
  expect([other.status, json(other)['field']]).toEqual([409, 'device']);
  const { links } = json(await command(`${base}/links`)) as { links: { linkId: string; devices: string; uses: object[] }[] };
  const listed = links.find(({ devices }) => devices === 'one');
  expect(listed?.uses).toEqual([expect.objectContaining({ device: 'WHIP · OBS-Basic', angleName: '另一个' })]);
  await command(`${base}/links/${listed?.linkId}`, 'DELETE');
  await until('the session of the revoked link is closed', async () => (await transports()) === 0);
  expect((await ask(String(own.headers['location']), { method: 'DELETE' }, one)).status).toBe(401);
});

it('whoever goes on with a wrong token is told to wait; one with a right token behind the same address is not', async () => {
  const statuses = [];
  for (let i = 0; i < 11; i += 1) statuses.push((await post(obsOffer, SDP, 'x'.repeat(43))).status);
  expect(statuses.at(-1)).toBe(429);
  expect((await ask(endpoint)).status).toBe(204);
  const begun = await post(obsOffer);
  expect(begun.status).toBe(201);
  expect((await ask(String(begun.headers['location']), { method: 'DELETE' })).status).toBe(200);
});

it('a token may begin sixty sessions a minute, and others are not held up by it', async () => {
  const flood = await newLink(operation.angles[0]?.angleId ?? '');
  const statuses = [];
  for (let i = 0; i < 61; i += 1) statuses.push((await post('v=0\r\n', SDP, flood)).status);
  expect(statuses).toEqual([...Array.from({ length: 60 }, () => 400), 429]);
  const reply = await post(obsOffer, SDP, flood);
  expect([reply.status, reply.headers['retry-after']]).toEqual([429, '60']);
  expect((await post('v=0\r\n')).status).toBe(400);
});

describe('the hub', () => {
  it('lists its routes', async () => {
    const { paths } = json(await rawHttp(`${hub.url}/api/openapi.json`)) as {
      paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
    };
    expect(Object.keys(paths['/whip/{operationId}/{angleId}']?.['post']?.requestBody?.content ?? {})).toEqual(['application/sdp']);
    expect(Object.keys(paths['/whep/{operationId}/{angleId}/{sessionId}'] ?? {}).toSorted()).toEqual(['delete', 'patch']);
  });

  it('keeps a session while its control plane restarts, and knows none after its own restart', async () => {
    const begun = await post(obsOffer);
    const session = String(begun.headers['location']);
    const { control } = hub.state();
    process.kill(control, 'SIGKILL');
    await until('another control process is there', () => hub.state().control !== control);
    await until('it is ready', () =>
      rawHttp(`${hub.url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const restarted = await ask(session, { method: 'PATCH', headers: { ...FRAGMENT, 'if-match': '*' }, body: ICE });
    expect(restarted.status).toBe(200);
    await hub.stop();
    hub = await startHub(hub.dataDir);
    expect((await ask(session, { method: 'DELETE' })).status).toBe(404);
    const again = await post(obsOffer);
    expect(again.status).toBe(201);
    await operation.end().catch(() => undefined); // of the hub that was
    await call(hub, CaptureLink.partial(), 'POST', `/operations/${operation.operationId}/end`);
    expect(await transports()).toBe(0);
    expect((await post(obsOffer)).status).toBe(410);
    expect((await ask(String(again.headers['location']), { method: 'DELETE' })).status).toBe(410);
  });
});
