import type { ColumnType, Generated } from 'kysely';

/** Moments are whole milliseconds of hub time, truth values 0 and 1, structures JSON text: portable to Postgres as they are. */
type Nullable<T> = ColumnType<T | null, T | null | undefined, T | null>;

export type Database = {
  operation: {
    operation_id: string;
    name: string;
    status: 'live' | 'ended';
    opened_ms: number;
    ended_ms: Nullable<number>;
    segment_ms: number;
  };
  angle: { operation_id: string; angle_id: string; name: string; position: number; state: Nullable<string> };
  take: {
    operation_id: string;
    angle_id: string;
    take_id: string;
    start_ms: number;
    end_ms: Nullable<number>;
    reason: Nullable<string>;
    segments: number;
    frames: number;
  };
  interruption: {
    interruption_id: string;
    operation_id: string;
    angle_id: string;
    start_ms: number;
    end_ms: Nullable<number>;
    cause: string;
  };
  mark: { operation_id: string; mark_id: string; at_ms: number; standing: number; version: number; data: string };
  still: { operation_id: string; still_id: string; at_ms: number; data: string };
  message: { operation_id: string; message_id: string; at_ms: number; version: number; data: string };
  camera: { operation_id: string; angle_id: string; target: string };
  /** `spec` may hold passwords. */
  gateway: { operation_id: string; angle_id: string; spec: string };
  capture_link: {
    token_hash: string;
    /** Names it to people and in addresses; gives nothing away. */
    link_id: string;
    operation_id: string;
    /** Null: for any angle of the operation. */
    angle_id: Nullable<string>;
    devices: 'one' | 'several';
    label: Nullable<string>;
    created_ms: number;
    expires_ms: number;
    revoked: number;
    /** The one session that a link for one device has made. */
    bound_session: Nullable<string>;
  };
  session: {
    session_hash: string;
    kind: 'capture' | 'console';
    operation_id: Nullable<string>;
    angle_id: Nullable<string>;
    link_hash: Nullable<string>;
    created_ms: number;
    /** In words: what kind of phone and browser. */
    device: Nullable<string>;
    address: Nullable<string>;
    seen_ms: Nullable<number>;
    /** It films, or tries to, since then; null when its officer has stopped. */
    joined_ms: Nullable<number>;
    /** This device alone is shut out; the link's others go on. */
    revoked: Generated<number>;
  };
  media_cursor: { one: number; boot_id: string; seq: number };
  archive_job: {
    operation_id: string;
    state: 'waiting' | 'running' | 'verified' | 'failed';
    path: Nullable<string>;
    size_bytes: Nullable<number>;
    files: Nullable<number>;
    verified_ms: Nullable<number>;
    error: Nullable<string>;
    requested_ms: number;
  };
  secret: { name: string; value: string };
};
