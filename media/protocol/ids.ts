import { z } from 'zod';

/** Ids name folders on disk, so they are short, lower-case and without separators that a path could abuse. */
export const Id = z.string().regex(/^[a-z0-9][a-z0-9-]{1,47}$/, 'lower-case letters, digits and hyphens, 2 to 48 characters');
/** Takes are numbered within their angle: `0001`, `0002`, … */
export const TakeId = z.string().regex(/^[0-9]{4,6}$/);
/** Names are shown to people: any script, no control characters, trimmed, not empty. */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(120)
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'no control characters');
/** A moment in hub time: UTC milliseconds, with a fraction; until the end of 9999, after which ISO 8601 has no plain date. */
export const HubTimeMs = z.number().nonnegative().max(253_402_300_799_999);

export const MediaKind = z.enum(['audio', 'video']);
export type MediaKind = z.infer<typeof MediaKind>;

export const SourceKind = z.enum(['phone', 'camera', 'whip', 'commander']);
export type SourceKind = z.infer<typeof SourceKind>;

/** Why a take ended or an interruption began. */
export const Cause = z.enum([
  'stopped-by-operator',
  'connection-lost',
  'no-media',
  'replaced',
  'source-removed',
  'worker-died',
  'hub-stopped',
  'hub-crashed',
  'disk-full',
  'disk-slow',
  'write-failed',
  'codec-changed',
  'operation-ended',
]);
export type Cause = z.infer<typeof Cause>;
