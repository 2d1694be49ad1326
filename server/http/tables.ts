import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { type Column, csvLines, type Lang } from '../operations/csv.ts';

/** Which table is asked for, and how. `name`: of its file. */
type Table<T> = { name: string; columns: Column<T>[]; rows: AsyncIterable<T>; lang: Lang; zone: string };

/** Answer with a table for spreadsheets, its rows sent as they are read. Throws `bad_request` when there is no such time zone. */
export function sendTable<T>(reply: FastifyReply, { name, columns, rows, lang, zone }: Table<T>): FastifyReply {
  if (!knownZone(zone)) throw new HubError('bad_request', `zone: there is no time zone ${zone}`, { field: 'zone' });
  const day = new Date().toISOString().slice(0, 10);
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}-${day}.csv"`)
    .send(Readable.from(csvLines(columns, rows, lang, zone), { objectMode: false }));
}

function knownZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // RangeError: not in the IANA database
  }
}
