import { type RawBuilder, sql } from 'kysely';

/** Whether a text has this in it, whatever signs of LIKE's own it has. */
export const contains = (text: RawBuilder<unknown>, part: string): RawBuilder<boolean> =>
  sql<boolean>`${text} LIKE ${`%${part.replace(/[\\%_]/g, String.raw`\$&`)}%`} ESCAPE '\\'`;
