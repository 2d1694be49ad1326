import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as capture from '../../../server/protocol/capture.ts';
import * as cases from '../../../server/protocol/cases.ts';
import * as custody from '../../../server/protocol/custody.ts';
import * as devices from '../../../server/protocol/devices.ts';
import * as handOvers from '../../../server/protocol/hand-overs.ts';
import * as http from '../../../server/protocol/http.ts';
import * as operations from '../../../server/protocol/operations.ts';
import * as passkeys from '../../../server/protocol/passkeys.ts';
import * as people from '../../../server/protocol/people.ts';
import * as shots from '../../../server/protocol/shots.ts';
import { ApiFailure, errorKey } from '../../../web/composables/api.ts';
import { HAND_OVER_REFUSALS } from '../../../web/composables/use-hand-overs.ts';
import { CASE_REFUSALS, MOVE_REFUSALS, OPERATION_REFUSALS } from '../../../web/composables/use-operations.ts';
import { PERSON_REFUSALS, squadProblem } from '../../../web/composables/use-people.ts';
import en from '../../../web/locales/en.ts';
import zhCN from '../../../web/locales/zh-CN.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const languages = [en, zhCN];
const at = (texts: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], texts);
const worded = (key: string): boolean => languages.every((texts) => typeof at(texts, key) === 'string');

/** What the page itself puts into a request, not anybody's typing. */
const NOT_TYPED = 'version credential replaces before page size order lang zone planned atMs token ask beside'.split(' ');
/** Of programs and settings, or what a page measures and makes by itself: no form is told of it. */
const NO_FORM =
  /^([A-Z_]+|web\/dist|sdp|content-type|config|maxdisplacement|sizelength|mimeType|probe|sha256|size|zone|host|origin|transportId|peerId|track)$/;
/** "As things stand now" is all there is to say, or the page acts on it without a word. */
const AS_THINGS_STAND = ['operationId', 'markId', 'kind', 'free', 'talk', 'totp'];

/** Where a variable names the field: what it may be, but for schemas' fields, settings and what programs send. */
const BY_VARIABLE: Record<string, string[]> = {
  'media/operations/take-moves.ts': ['operationId', 'toOperationId'],
  'media/protocol/channel.ts': [],
  'media/recorder/move-check.ts': ['angleId', 'toAngleId', 'takeId', 'toOperationId', 'day-away', 'same-time'],
  'media/rtp/aac.ts': [],
  'media/sfu/peer.ts': [],
  'server/auth/attempts.ts': [],
  'server/config.ts': [],
  'server/http/permit.ts': ['operationId', 'caseId', 'deviceId'],
  'server/main.ts': [],
  'server/signalling/reply.ts': [],
  'server/store/devices.ts': ['ownerId', 'personId'],
  'server/store/facts-parts.ts': ['latitude', 'longitude'],
  'server/store/take-moves.ts': ['operationId', 'toOperationId'],
};
type Refusal = { code: string; field: string };
/** Every refusal that the hub's source names a field in. */
const refusals = (): Refusal[] =>
  globSync(['server/**/*.ts', 'media/**/*.ts'], { cwd: root }).flatMap((path) => {
    const made = readFileSync(root + path, 'utf8')
      .split('new HubError(')
      .slice(1);
    return made.flatMap((text) => refusalsIn(text, path));
  });
function refusalsIn(text: string, path: string): Refusal[] {
  const [, code = '', rest = ''] = /^\s*'(\w+)'([^;]*)/.exec(text) ?? [];
  const [, named] = /(?<!\$)\{[^{}]*\bfield\b([^{}]*)/.exec(rest) ?? [];
  if (named === undefined) return [];
  const literal = /^: (?:[^']*\? '([\w-]+)' : )?'([\w/-]+)'/.exec(named)?.slice(1);
  const fields = literal ?? BY_VARIABLE[path] ?? expect.fail(`${path}: BY_VARIABLE is to say which fields a variable names there`);
  return fields.filter((field) => field !== undefined).map((field) => ({ code, field }));
}
/** Every field of what screens send. */
function typedFields(): string[] {
  const modules = [capture, cases, custody, devices, handOvers, http, operations, passkeys, people, shots];
  const sent = modules
    .flatMap((module) => Object.entries(module))
    .filter(([name]) =>
      /(Create|Change|Query|Filter|Export|Request|Plan|Choice|Exchange|SignIn|Given|Confirm|Answer|^PhoneTick)$/.test(name),
    )
    .flatMap(([, schema]) => (schema instanceof z.ZodUnion ? schema.options : [schema]));
  const fields = sent.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  return [...new Set(fields)].filter((field) => !NOT_TYPED.includes(field));
}
/** The sentences that a refusal may be told with, by the page it comes to. */
const told = (code: string, field: string): string[] => {
  const error = new ApiFailure(code, '', field);
  const own = [OPERATION_REFUSALS, CASE_REFUSALS, MOVE_REFUSALS, HAND_OVER_REFUSALS, PERSON_REFUSALS].map(
    (each) => each[`${code} ${field}`],
  );
  const ofSquads = field === 'name' ? [squadProblem(error).key] : []; // the only field that a squad has
  return [errorKey(error).key, ...ofSquads, ...own.filter((key) => key !== undefined)];
};

describe('a refusal', () => {
  it('is told in words that both languages have, of whatever field it is', () => {
    const found = refusals();
    expect(found.length).toBeGreaterThan(80);
    for (const { code, field } of found) for (const key of told(code, field)) expect(worded(key), `${code} ${field}: ${key}`).toBe(true);
  });

  it('of something typed names it as the reader knows it', () => {
    const typed = typedFields();
    expect(typed.length).toBeGreaterThan(50);
    const named = refusals().flatMap(({ code, field }) => (code === 'bad_request' && !NO_FORM.test(field) ? [field] : []));
    const wordless = [...typed, ...named].filter((field) => {
      const { key, params } = errorKey(new ApiFailure('bad_request', '', `${field}.0.name`));
      const words = key === 'error.bad_request' ? (params['field'] ?? '') : key;
      return words === 'fields.other' || !worded(words);
    });
    expect(wordless).toEqual([]);
  });

  it('of something that stands against it says what', () => {
    for (const { code, field } of refusals()) {
      if (code !== 'conflict' || NO_FORM.test(field) || AS_THINGS_STAND.includes(field)) continue;
      expect(
        told(code, field).some((key) => key !== 'error.conflict'),
        field,
      ).toBe(true);
    }
  });

  it.each([
    ['unavailable', 'custodyLog', 'error.custodyLog'],
    ['not_found', 'caseId', 'error.no-case'],
    ['not_found', 'operationId', 'error.no-operation'],
    ['not_found', undefined, 'error.not_found'],
    ['conflict', undefined, 'error.conflict'],
    ['conflict', 'in-use', 'error.in-use'],
    ['unprocessable', 'sdp', 'error.internal'],
  ])('%s of %s is %s', (code, field, key) => {
    expect(errorKey(new ApiFailure(code, '', field)).key).toBe(key);
  });

  it('of a plan without squads, or for others than one plans for, says which may be chosen', () => {
    for (const code of ['bad_request', 'forbidden']) expect(OPERATION_REFUSALS[`${code} squadIds`]).toBe('op.otherSquads');
  });

  it('to seal while a take is moved says so', () => {
    expect(OPERATION_REFUSALS['conflict takes']).toBe('op.takeMoves');
  });
});
