import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hubFetch, sessionAt, signIn } from '../../scripts/demo/sign-in.ts';
import { ApiDocument, type ApiRoute, routesOf } from '../support/api-document.ts';
import { BROKEN_HTTP, saidTo } from '../support/broken-http.ts';
import { everyRole, type Duty, furnish, isOnDuty, learn, type Member, member, newDuty } from '../support/fuzzed-hub.ts';
import { type Planned, requestsTo, toSend } from '../support/fuzz-requests.ts';
import { alive, type RunningHub, startHub, until, workersOf } from '../support/hub.ts';
import { KeptAlive, type Told } from '../support/kept-alive.ts';
import { KnownIds } from '../support/known-ids.ts';
import { changesBetween, dumpHub } from '../support/store-dump.ts';

/** `FUZZ_SEED` and `FUZZ_TIMES` look elsewhere, and further. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_128);
const TIMES = Number(process.env['FUZZ_TIMES'] ?? 1);
const PATIENCE_MS = 300_000 * TIMES;
const AT_ONCE = 25;
const BATCHES = { strangers: 288 * TIMES, allowed: 120 * TIMES };
/** Routes that the document does not have. */
const BY_HAND = [
  '/metrics',
  '/ca.crt',
  '/',
  '/capture',
  '/console/{operationId}',
  '/assets/{file}',
  '/icon.svg',
  '/api/openapi.json',
  '/api/docs',
  '/api/docs/yaml',
  '/api/docs/static/{file}',
  '/socket.io/',
  '/whip/{operationId}/{angleId}',
  '/whep/{operationId}/{angleId}',
  '/whip/{operationId}/{angleId}/{sessionId}',
  '/whep/{operationId}/{angleId}/{sessionId}',
].flatMap((path): ApiRoute[] => ['GET', 'OPTIONS', 'PUT'].map((method) => ({ method, path, params: {}, query: [], bodies: [] })));

type Actor = 'nobody' | 'operator' | 'machine' | 'every role';
let root = '';
let hub: RunningHub;
let client: KeptAlive;
let document: ApiDocument;
let furnished: Awaited<ReturnType<typeof furnish>>;
let able: Member;
let duty: Duty;
let processes: number[];
/** What the hub says that it should not have to. */
const complaints: string[] = [];
const counts = new Map<string, number>();

/** Cameras that are fetched have processes of their own, which come and go. */
const processesOf = (): number[] => {
  const { pid, media, control } = hub.state();
  return [pid, media, control, ...workersOf(media)];
};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-fuzz-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  for (const stream of [hub.process.stdout, hub.process.stderr])
    stream?.on('data', (chunk: Buffer) => {
      const said = String(chunk).split('\n');
      complaints.push(...said.filter((line) => /unhandled|uncaught|not looked after|"level":(50|60)|^\s+at .*:\d+/i.test(line)));
    });
  document = ApiDocument.parse(await (await fetch(`${hub.url}/api/openapi.json`)).json());
  furnished = await furnish(hub);
  able = await member(hub, 'able', everyRole);
  client = new KeptAlive(hub.url);
  processes = processesOf();
});
afterAll(async () => {
  client.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** The headers by which a request is this one's; phones and encoders are there for whoever has every role. */
function rightOf(actor: Actor, path: string): Record<string, string> {
  if (actor === 'machine') return { authorization: `Bearer ${furnished.machine}` };
  if (actor === 'operator') return { cookie: furnished.operator.cookie };
  if (actor === 'nobody') return {};
  if (path.startsWith('/whip/')) return { authorization: `Bearer ${duty.link}` };
  return { cookie: path.startsWith('/api/capture/') ? duty.phone : able.cookie };
}

const isFault = ({ status, text }: Told): boolean => status >= 500 || /ECONNREFUSED|node_modules|\.ts:\d+|FST_/.test(text);

/** One request as it is thought up, made and answered. Throws when the answer is a fault. */
async function ask(actor: Actor, planned: Planned, ids: KnownIds): Promise<Told> {
  const meant = actor === 'every role' && planned.path.startsWith('/whip/') ? duty : {};
  const sent = toSend(planned, ids, rightOf(actor, planned.path), meant);
  const told = await client.ask(sent, planned.from);
  const key = `${actor}: ${told.status}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  if (!isFault(told)) return told;
  const body = sent.body === null ? null : `${planned.bytes ? 'latin1' : 'utf8'} ${sent.body.toString(planned.bytes ? 'latin1' : 'utf8')}`;
  throw new Error(`${told.status} ${told.text}\nto ${actor}: ${JSON.stringify({ ...sent, body })}`);
}

/** Whoever was signed out on the way is signed in again. */
async function stillThere(person: Member): Promise<void> {
  const { status } = await fetch(`${hub.url}/api/session`, { headers: { cookie: person.cookie } });
  if (status === 401) person.cookie = (await signIn(hub.url, person.login, person.password)).cookie;
}

async function fuzz(
  actors: Actor[],
  ids: KnownIds,
  numRuns: number,
  between: (batch: number) => Promise<void>,
  changes = (): string[] => [],
): Promise<void> {
  const request = requestsTo(routesOf(document), BY_HAND);
  const batch = fc.array(fc.tuple(fc.constantFrom(...actors), request), { minLength: AT_ONCE, maxLength: AT_ONCE, size: 'max' });
  let batches = 0;
  const property = fc.asyncProperty(batch, async (requests) => {
    await between(batches);
    batches += 1;
    await Promise.all(requests.map(([actor, planned]) => ask(actor, planned, ids)));
    if (complaints.length > 0) throw new Error(`the hub said:\n${complaints.splice(0).join('\n')}`);
    expect(changes()).toEqual([]);
  });
  await fc.assert(property, { seed: SEED, numRuns, endOnFailure: true });
}

it(
  'whoever has no right changes nothing, whatever is asked',
  async () => {
    // whoever tries its login ten times a minute keeps it out itself
    const ids = new KnownIds([furnished.operator.login]);
    ids.add(furnished.filmed);
    await learn(hub, document, ids);
    const own = [furnished.operator.personId];
    let before = dumpHub(hub.dataDir, own);
    await until('the hub has nothing more to write', async () => {
      const then = before;
      await new Promise((resolve) => setTimeout(resolve, 500));
      before = dumpHub(hub.dataDir, own);
      return changesBetween(then, before).length === 0;
    });
    const signedIn = async (batch: number): Promise<void> => {
      if (batch % 8 === 0) await stillThere(furnished.operator);
    };
    const changes = (): string[] => changesBetween(before, dumpHub(hub.dataDir, own));
    await fuzz(['nobody', 'operator', 'machine'], ids, BATCHES.strangers, signedIn, changes);
  },
  PATIENCE_MS,
);

it(
  'whoever may do all breaks nothing, whatever is asked',
  async () => {
    const keeper = sessionAt(hub.url);
    const ids = new KnownIds([able.personId, able.login, keeper?.personId ?? '', keeper?.login ?? '']);
    await fuzz(['every role'], ids, BATCHES.allowed, async (batch) => {
      if (batch % 4 !== 0) return;
      await stillThere(able);
      // its link may be revoked, its operation over, its session ended
      const onDuty = batch > 0 && (await isOnDuty(hub, duty));
      if (!onDuty) duty = await newDuty(hub, ids);
      if (onDuty && batch % 20 !== 0) return;
      ids.add(furnished.filmed);
      await learn(hub, document, ids, able.cookie);
    });
  },
  PATIENCE_MS,
);

it('bytes that are no HTTP are refused, and at the end all is as it was', async () => {
  const port = Number(new URL(hub.url).port);
  const said = await Promise.all(BROKEN_HTTP.map((bytes) => saidTo(bytes, port)));
  expect(said.filter((each) => /HTTP\/1\.1 5|ECONNREFUSED/.test(each))).toEqual([]);
  expect((await fetch(`${hub.url}/readyz`)).status).toBe(200);
  expect((await hubFetch(`${hub.url}/api/operations`)).status).toBe(200);
  expect(processesOf()).toEqual(expect.arrayContaining(processes));
  expect(processes.every(alive)).toBe(true);
  expect(complaints).toEqual([]);
  const done = [200, 201, 204].map((status) => counts.get(`every role: ${status}`) ?? 0).reduce((sum, count) => sum + count, 0);
  const asked = [...counts.values()].reduce((sum, count) => sum + count, 0);
  console.log(`fuzz: seed ${SEED}, ${asked} requests`, Object.fromEntries([...counts].toSorted()));
  expect(asked).toBeGreaterThanOrEqual(10_000);
  // they get past what validates them
  expect(done).toBeGreaterThan((BATCHES.allowed * AT_ONCE) / 4);
});
