import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iceServers } from '../../server/auth/turn.ts';
import { type Coturn, startCoturn, TURN_SECRET } from '../support/coturn.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { type RawAsk, rawHttp } from '../support/raw-http.ts';
import { obsOffer } from '../support/sdp-offers.ts';
import { TurnClient, type TurnCredentials, type TurnReply } from '../support/turn-client.ts';

let coturn: Coturn;
beforeAll(async () => {
  coturn = await startCoturn();
});
afterAll(() => coturn.stop());

const credentials = (nowMs = Date.now(), secret = TURN_SECRET): TurnCredentials => {
  const [server] = iceServers({ urls: ['turn:127.0.0.1'], secret }, 'peer-1', nowMs);
  return { username: server?.username ?? '', credential: server?.credential ?? '' };
};
async function allocate(by: TurnCredentials): Promise<TurnReply> {
  const client = await TurnClient.open(coturn.port, by);
  const reply = await client.allocate();
  client.close();
  return reply;
}

describe("Debian's coturn with the settings of docker-compose.yml", () => {
  it('takes the credentials that the hub gives out, until they end', async () => {
    expect(await allocate(credentials())).toBe('success');
    expect(await allocate(credentials(Date.now() - 13 * 3600_000))).toBe(401);
  });

  it('takes no others', async () => {
    expect(await allocate(credentials(Date.now(), 'another-secret-altogether'))).toBe(401);
    const { username, credential } = credentials();
    expect(await allocate({ username: username.replace(/^\d+/, (end) => String(Number(end) + 3600)), credential })).toBe(401);
    expect(await allocate({ username: 'peer-1', credential })).toBe(401);
  });

  it('relays to the hub and to nobody else: no reserved address, and no other', async () => {
    const client = await TurnClient.open(coturn.port, credentials());
    expect(await client.allocate()).toBe('success');
    expect(await client.permit('127.0.0.1')).toBe('success');
    const others = [
      '0.0.0.1',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.2',
      '169.254.169.254',
      '172.16.0.1',
      '192.0.2.1',
      '192.168.1.1',
      '198.18.0.1',
    ];
    for (const peer of [...others, '8.8.8.8', '224.0.0.1', '240.0.0.1', '255.255.255.255'])
      expect([peer, await client.permit(peer)]).toEqual([peer, 403]);
    expect(await client.permit('127.0.0.1')).toBe('success');
    client.close();
  });
});

describe('encoders are told of it in Link headers', () => {
  let root = '';
  let hub: RunningHub;
  let operation: PhoneOperation;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'fieldhub-turn-'));
    const urls = ['stun:127.0.0.1:3478', `turn:127.0.0.1:${coturn.port}?transport=tcp`];
    hub = await startHub(join(root, 'data'), { TURN_URLS: urls.join(), TURN_SECRET });
    operation = await phoneOperation(hub, ['编码器']);
  });
  afterAll(async () => {
    await hub.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const ask = async (headers: Record<string, string>, more: RawAsk): Promise<{ status: number; links: string[]; location: string }> => {
    const [angle] = operation.angles;
    const authorization = `Bearer ${angle?.url.split('#')[1]}`;
    const url = `${hub.url}/whip/${operation.operationId}/${angle?.angleId}`;
    const reply = await rawHttp(url, { ...more, headers: { authorization, ...headers } });
    const links = String(reply.headers['link'] ?? '').split(/, (?=<)/);
    return { status: reply.status, links: links.filter(Boolean), location: String(reply.headers['location']) };
  };
  const turnLink =
    /^<turn:127\.0\.0\.1:\d+\?transport=tcp>; rel="ice-server"; username="(.+)"; credential="(.+)"; credential-type="password"$/;

  it('with a session, and before one to whoever has the token', async () => {
    const begun = await ask({ 'content-type': 'application/sdp' }, { method: 'POST', body: obsOffer });
    expect([begun.status, begun.links[0]]).toEqual([201, '<stun:127.0.0.1:3478>; rel="ice-server"']);
    const early = await ask({}, { method: 'OPTIONS' });
    expect(early.status).toBe(200);
    for (const { links } of [begun, early]) {
      const [, username = '', credential = ''] = turnLink.exec(links[1] ?? '') ?? [];
      expect(await allocate({ username, credential })).toBe('success');
    }
    expect(hub.output()).not.toContain(TURN_SECRET);
  });

  it('not in answers to a preflight, nor to anybody else', async () => {
    const preflight = { 'access-control-request-method': 'POST', origin: 'https://studio.example' };
    expect(await ask(preflight, { method: 'OPTIONS' })).toMatchObject({ status: 200, links: [] });
    expect(await ask({ authorization: `Bearer ${'x'.repeat(43)}` }, { method: 'OPTIONS' })).toMatchObject({ status: 401, links: [] });
    expect(await ask({ authorization: '' }, { method: 'OPTIONS' })).toMatchObject({ links: [] });
  });
});
