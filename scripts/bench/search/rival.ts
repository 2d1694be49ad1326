import { DatabaseSync } from 'node:sqlite';
import type { OperationQuery } from '../../../server/protocol/operations.ts';
import { TEXT_COLUMNS } from './fill.ts';

const COUNTED = 1000;
const ORDER = {
  number: 'number',
  time: 'at_ms',
  name: 'name',
  state: "CASE state WHEN 'live' THEN 3 WHEN 'planned' THEN 2 WHEN 'ended' THEN 1 ELSE 0 END",
  planned: 'planned_ms',
};

/** SQLite's LIKE over one flat table: no join, and only numbers are asked for, which the hub must look up the rest of. */
export class Rival {
  readonly #sqlite: DatabaseSync;
  constructor(path: string) {
    this.#sqlite = new DatabaseSync(path, { readOnly: true });
  }

  list({ q, sort, order, page, size, ...filter }: OperationQuery): { numbers: number[]; total: number } {
    const { state, type, squad, confidentiality, from, to } = filter;
    const words = q.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
    const parts: [string, ...(string | number)[]][] = [
      ...words.map((word): [string, ...string[]] => [
        `(${TEXT_COLUMNS.map((column) => `${column} LIKE ?`).join(' OR ')})`,
        ...TEXT_COLUMNS.map(() => `%${word}%`),
      ]),
      ...(state ? [[`state IN (${state.map(() => '?').join(', ')})`, ...state] as [string, ...string[]]] : []),
      ...(type ? [[`type IN (${type.map(() => '?').join(', ')})`, ...type] as [string, ...string[]]] : []),
      ...(squad === undefined ? [] : [['instr(squads, ?) > 0', ` ${squad} `] as [string, string]]),
      ...(confidentiality ? [['confidentiality = ?', confidentiality] as [string, string]] : []),
      ...(from === undefined ? [] : [['at_ms >= ?', from] as [string, number]]),
      ...(to === undefined ? [] : [['at_ms < ?', to] as [string, number]]),
    ];
    const where = parts.length === 0 ? '1' : parts.map(([text]) => text).join(' AND ');
    const given = parts.flatMap(([, ...values]) => values);
    const counted = this.#sqlite.prepare(`SELECT count(*) AS total FROM (SELECT 1 FROM flat WHERE ${where} LIMIT ${COUNTED + 1})`);
    const { total } = counted.get(...given) as { total: number };
    const last = sort === 'planned' ? ' NULLS LAST' : '';
    const page1 = this.#sqlite.prepare(
      `SELECT number FROM flat WHERE ${where} ORDER BY ${ORDER[sort]} ${order}${last}, number ${order} LIMIT ? OFFSET ?`,
    );
    const rows = page1.all(...given, size, (page - 1) * size) as { number: number }[];
    return { numbers: rows.map(({ number }) => number), total: Math.min(total, COUNTED) };
  }

  close(): void {
    this.#sqlite.close();
  }
}
