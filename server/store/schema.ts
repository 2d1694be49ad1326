import type { ColumnType, Generated } from 'kysely';
import type { CaseStage, Confidentiality, OperationStage, OperationType } from '../protocol/cases.ts';
import type { CustodyLine } from '../protocol/custody.ts';
import type { DeviceState, DeviceType } from '../protocol/devices.ts';
import type { HandOver } from '../protocol/hand-overs.ts';
import type { Role } from '../protocol/people.ts';

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
  /** `data` null: asked for, and not yet read in the journals. */
  take_move: { move_id: string; operation_id: string; to_operation_id: string; data: Nullable<string> };
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
    kind: 'capture';
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
  squad: { squad_id: string; name: string; created_ms: number };
  person: {
    person_id: string;
    login: string;
    name: string;
    badge: Nullable<string>;
    /** PHC string of argon2id. */
    password_hash: string;
    must_change: number;
    /** When the password was given that must be changed; null once its person has chosen one. */
    given_ms: Nullable<number>;
    state: 'active' | 'blocked';
    totp_secret: Nullable<string>;
    /** The last time step whose code was taken: none is taken twice (RFC 6238, 5.2). */
    totp_step: Nullable<number>;
    created_ms: number;
    version: Generated<number>;
  };
  /** `squad_id` null: in the whole brigade. */
  person_role: { person_id: string; role: Role; squad_id: Nullable<string> };
  person_session: {
    session_hash: string;
    /** Names it to people. */
    session_id: string;
    person_id: string;
    created_ms: number;
    seen_ms: number;
    address: string;
    device: string;
  };
  passkey: {
    credential_id: string;
    person_id: string;
    name: string;
    /** COSE, base64url. */
    public_key: string;
    counter: number;
    transports: string;
    created_ms: number;
    used_ms: Nullable<number>;
  };
  access_token: {
    token_hash: string;
    token_id: string;
    person_id: string;
    name: string;
    /** JSON list of what it may do, at most what its owner may. */
    permissions: string;
    created_ms: number;
    expires_ms: number;
    used_ms: Nullable<number>;
  };
  enforcement_case: {
    case_id: string;
    number: string;
    cause: string;
    /** JSON list of names. */
    parties: string;
    stage: CaseStage;
    confidentiality: Confidentiality;
    squad_id: Nullable<string>;
    created_ms: number;
    created_by: string;
    /** Counts changes: whoever changes it says which he has seen. */
    version: number;
  };
  operation_facts: {
    /** Its place in the order they were made, and its row of the full text. */
    number: Generated<number>;
    operation_id: string;
    /** As `operation.name`; here so that lists are sorted by an index. */
    name: string;
    state: OperationStage;
    type: Nullable<OperationType>;
    case_id: Nullable<string>;
    place: Nullable<string>;
    latitude: Nullable<number>;
    longitude: Nullable<number>;
    /** Its time in lists: of its begin, else planned for, else made. */
    at_ms: number;
    planned_ms: Nullable<number>;
    confidentiality: Confidentiality;
    /** As `operation_squad`, each id between blanks: lists are filtered by it without a look elsewhere. */
    squads: string;
    required_angles: number;
    /** Begun unplanned: its facts follow. */
    quick: number;
    created_ms: number;
    created_by: Nullable<string>;
    version: number;
  };
  operation_squad: { operation_id: string; squad_id: string };
  operation_officer: { operation_id: string; position: number; person_id: Nullable<string>; name: string };
  operation_step: {
    operation_id: string;
    state: OperationStage;
    at_ms: number;
    person_id: Nullable<string>;
    person_name: Nullable<string>;
  };
  /** What a sealed operation's labels say that is kept elsewhere, as it was at its seal; JSON. Times: of what was recorded. */
  operation_seal: {
    operation_id: string;
    squads: string;
    of_case: Nullable<string>;
    from_ms: Nullable<number>;
    to_ms: Nullable<number>;
  };
  hand_over: {
    hand_over_id: string;
    operation_id: string;
    given_ms: number;
    giver_id: string;
    giver_name: string;
    taker_id: string;
    taker_name: string;
    note: Nullable<string>;
    /** Of the package's payload, and of its list of hashes. */
    files: number;
    size_bytes: number;
    manifest_sha256: string;
    state: HandOver['state'];
    answered_ms: Nullable<number>;
    answer: Nullable<string>;
  };
  planned_angle: { operation_id: string; angle_id: string; officer: Nullable<string>; device_id: Nullable<string> };
  shot_list: {
    type: OperationType;
    edition: number;
    items: string;
    at_ms: number;
    person_id: Nullable<string>;
    person_name: Nullable<string>;
  };
  operation_shot: {
    operation_id: string;
    shot_id: string;
    position: number;
    zh: string;
    en: string;
    edition: number;
    mark_id: Nullable<string>;
    angle_id: Nullable<string>;
    at_ms: Nullable<number>;
    person_name: Nullable<string>;
    /** How often a tick was taken back: the next one's mark has another name. */
    unticks: number;
  };
  device: {
    device_id: string;
    squad_id: string;
    type: DeviceType;
    serial: string;
    model: string;
    owner_id: Nullable<string>;
    state: DeviceState;
    created_ms: number;
    version: number;
  };
  device_note: { device_id: string; note_id: string; at_ms: number; kind: string; person_name: string; text: string };
  device_use: {
    device_id: string;
    use_id: string;
    person_id: Nullable<string>;
    operation_id: Nullable<string>;
    from_ms: number;
    to_ms: Nullable<number>;
  };
  /** A check before duty and the device it was made with, as that was known then; `data`: the check as the journal has it. */
  device_check: { device_id: string; operation_id: string; angle_id: string; at_ms: number; data: string };
  /** Why an angle, or a source of one, was added. */
  addition: { operation_id: string; angle_id: string; at_ms: number; what: 'angle' | 'source'; person_name: string; reason: string };
  custody_line: {
    seq: number;
    at_ms: number;
    what: string;
    kind: string;
    who_id: Nullable<string>;
    who_name: Nullable<string>;
    address: Nullable<string>;
    operation_id: Nullable<string>;
    angle_id: Nullable<string>;
    subject: Nullable<string>;
    outcome: CustodyLine['outcome'];
    late: number;
    detail: string;
  };
  /** The log's bytes before this are in the index. */
  custody_index: { one: number; end_bytes: number };
};
