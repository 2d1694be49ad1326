import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Reach } from '../../server/permission/reach.ts';
import { OperationList } from '../../server/protocol/http.ts';
import { openStore } from '../../server/store/database.ts';
import { listOperations } from '../../server/store/operation-list.ts';
import { call, startHub } from '../demo/hub.ts';
import { percentile, round, table } from './figures.ts';
import type { SearchArgs } from './options.ts';
import { fill } from './search/fill.ts';
import { addressOf, type Kind, queries } from './search/queries.ts';
import { Rival } from './search/rival.ts';
import type { Workspace } from './workspace.ts';

const QUERIES = 440;
const WARM_UP = 40;
const EVERYTHING: Reach = { squads: 'all', secrets: 'all', personId: '' };

type Times = { p50Ms: number; p95Ms: number; maxMs: number };
export type SearchFigures = {
  bench: 'search';
  operations: number;
  queries: number;
  fillMs: number;
  /** Request to answer over HTTP, every row whole. */
  hub: Times;
  /** The hub's own function, called in this process. */
  store: Times;
  /** LIKE '%…%' in this process, numbers only. */
  rival: Times;
  /** Hub over HTTP to rival. */
  ratio: { p50: number; p95: number };
  /** Queries to which hub and rival answered differently: other rows, another order, another total. */
  disagreements: number;
  byKind: Record<string, { hub: Times; rival: Times }>;
  raw: { q: string; kind: Kind; total: number; hubMs: number; storeMs: number; rivalMs: number }[];
};

/** The list of operations, searched, filtered and sorted, next to SQLite's LIKE on the same rows, one query after the other. */
export async function benchSearch({ operations }: SearchArgs, { root, say }: Workspace): Promise<SearchFigures> {
  const data = join(root, 'hub');
  mkdirSync(data, { recursive: true });
  const paths = { hub: join(data, 'fieldhub.sqlite'), rival: join(root, 'rival.sqlite') };
  say(`filling a store with ${operations} operations …`);
  const startMs = performance.now();
  await fill(paths, operations);
  const fillMs = round(performance.now() - startMs, 0);
  say('starting the hub on it …');
  const hub = await startHub(data, { PORT: '0', DISK_RESERVE_MB: '100' });
  const store = openStore(paths.hub);
  const rival = new Rival(paths.rival);
  try {
    const raw: SearchFigures['raw'] = [];
    let disagreements = 0;
    say(`asking ${QUERIES} times …`);
    for (const [i, { kind, query }] of queries(WARM_UP + QUERIES, operations).entries()) {
      const [told, hubMs] = await timed(() => call(hub, OperationList, 'GET', addressOf(query)));
      const [, storeMs] = await timed(() => listOperations(store, EVERYTHING, query, () => []));
      const [other, rivalMs] = await timed(() => Promise.resolve(rival.list(query)));
      if (i < WARM_UP) continue;
      if (!same(told, other)) {
        disagreements += 1;
        say(`answered differently: ${addressOf(query)}`);
      }
      raw.push({ q: query.q, kind, total: told.total, hubMs, storeMs, rivalMs });
    }
    return { bench: 'search', operations, queries: QUERIES, fillMs, ...summed(raw), disagreements, raw };
  } finally {
    rival.close();
    await store.destroy();
    await hub.stop();
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startMs = performance.now();
  const value = await work();
  return [value, round(performance.now() - startMs)];
}

function same(told: OperationList, { numbers, total }: { numbers: number[]; total: number }): boolean {
  const shown = told.operations.map(({ operationId }) => Number(operationId.split('-')[1]));
  return told.total === total && shown.length === numbers.length && shown.every((number, i) => number === numbers[i]);
}

function summed(raw: SearchFigures['raw']): Pick<SearchFigures, 'hub' | 'store' | 'rival' | 'ratio' | 'byKind'> {
  const times = (values: number[]): Times => ({
    p50Ms: round(percentile(values, 0.5)),
    p95Ms: round(percentile(values, 0.95)),
    maxMs: round(Math.max(...values)),
  });
  const all = (of: SearchFigures['raw'], key: 'hubMs' | 'storeMs' | 'rivalMs'): Times => times(of.map((each) => each[key]));
  const [hub, store, rival] = [all(raw, 'hubMs'), all(raw, 'storeMs'), all(raw, 'rivalMs')];
  const kinds = Map.groupBy(raw, (each) => each.kind);
  return {
    hub,
    store,
    rival,
    ratio: { p50: round(hub.p50Ms / rival.p50Ms), p95: round(hub.p95Ms / rival.p95Ms) },
    byKind: Object.fromEntries([...kinds].map(([kind, of]) => [kind, { hub: all(of, 'hubMs'), rival: all(of, 'rivalMs') }])),
  };
}

/** The figures as lines of text. */
export function searchLines({ operations, queries: asked, hub, store, rival, ratio, byKind, disagreements }: SearchFigures): string[] {
  const row = (what: string, { p50Ms, p95Ms, maxMs }: Times): string[] => [what, ...[p50Ms, p95Ms, maxMs].map((ms) => ms.toFixed(1))];
  return [
    ...table([
      ['one page of the list, ms', 'p50', 'p95', 'max'],
      row('hub, over HTTP', hub),
      row('hub, its function alone', store),
      row("rival: LIKE '%…%'", rival),
      ['hub to rival', ratio.p50.toFixed(3), ratio.p95.toFixed(3), ''],
    ]),
    ...table([
      ['p95 by what was asked for, ms', 'hub', 'rival'],
      ...Object.entries(byKind).map(([kind, of]) => [kind, of.hub.p95Ms.toFixed(1), of.rival.p95Ms.toFixed(1)]),
    ]),
    disagreements === 0
      ? 'Both answered every query with the same rows in the same order, and the same total.'
      : `${disagreements} queries were answered differently: see above.`,
    `${asked} queries on ${operations} operations, 50 a page, with filters and sorts mixed in.`,
  ];
}
