import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { HubError } from '../../media/errors.ts';

const derive = promisify(argon2);
/** Memory in KiB, passes, lanes: what OWASP's password storage cheat sheet names first for argon2id. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 };
const BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

/** argon2id (RFC 9106) as a PHC string, with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const { memory, passes, parallelism } = COST;
  const hash = await derive('argon2id', { message: normal(password), nonce, memory, passes, parallelism, tagLength: BYTES });
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(hash)}`;
}

/** Whether it is this password. With no hash it takes as long as with one, so that time does not tell who is known here. */
export async function checkPassword(password: string, kept: string | null): Promise<boolean> {
  const [, memory = '', passes = '', parallelism = '', salt = '', right = ''] = PHC.exec(kept ?? (await nobodys())) ?? [];
  const expected = Buffer.from(right, 'base64');
  const hash = await derive('argon2id', {
    message: normal(password),
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  });
  return timingSafeEqual(hash, expected) && kept !== null;
}

let made: Promise<string> | null = null;
const nobodys = (): Promise<string> => (made ??= hashPassword(randomBytes(12).toString('hex')));

/** The same for every keyboard (RFC 8265, 4.2: OpaqueString). */
const normal = (password: string): string => password.normalize('NFC');

/** What people choose first where ten characters are asked for; the file says where it comes from. */
const COMMON = new Set(
  readFileSync(new URL('common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')),
);
/** What anybody would try here first: the product, the brigade, its roles. With login and name, as docs/security.md has them. */
const HERE = ['fieldhub', 'chengguan', 'zhifa', 'zhongdui', 'dadui', 'xingzheng', '城管', '执法', '中队', '大队', '综合行政执法',
  'administrator', 'admin', 'commander', 'operator', 'reviewer', 'custodian', 'password']; // prettier-ignore
const SAME = /^(.{1,3})\1+.?.?$/u;

const bareOf = (text: string): string =>
  normal(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

/** Throws `bad_request` (`next`) for a password that somebody would guess: common, one pattern over and over, or little beside names. */
export function requireGoodPassword(password: string, { login, name }: { login: string; name: string }): void {
  const bare = bareOf(password);
  const own = [login, name].map(bareOf).filter((word) => word.length >= 4);
  const rest = [...own, ...HERE].reduce((text, word) => text.replaceAll(word, ''), bare);
  const beside = password.length - (bare.length - rest.length);
  if (COMMON.has(bare) || SAME.test(bare) || SAME.test(password) || beside < 6)
    throw new HubError('bad_request', 'this password is easily guessed: common, repeated, or made of a name', { field: 'next' });
}

/** To be read out and typed once: 92 bits in letters and digits without look-alikes. */
export function oneTimePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
  const letters = [...randomBytes(32)].filter((byte) => byte < 220).slice(0, 16);
  return letters
    .map((byte) => alphabet[byte % 55])
    .join('')
    .replace(/(.{4})(?=.)/g, '$1-');
}
