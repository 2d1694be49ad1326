import { Secret, TOTP } from 'otpauth';

/** What every authenticator app takes (RFC 6238): SHA-1, six digits, thirty seconds; a phone's clock may be off by one step. */
const SHAPE = { issuer: 'fieldhub', algorithm: 'SHA1', digits: 6, period: 30 } as const;
const WINDOW = 1;

const totpOf = (login: string, secret: string): TOTP => new TOTP({ ...SHAPE, label: login, secret: Secret.fromBase32(secret) });

/** A new secret of 160 bits (RFC 4226, 4), and the address that an authenticator reads from a QR code. */
export function newTotp(login: string): { secret: string; uri: string } {
  const secret = new Secret({ size: 20 }).base32;
  return { secret, uri: totpOf(login, secret).toString() };
}

/** The time step that a code is of, or null for a wrong one. */
export function totpStep(secret: string, code: string, nowMs: number): number | null {
  const token = code.replaceAll(/\s/g, '');
  // the comparison throws where six characters are more than six bytes
  if (!/^\d{6}$/.test(token)) return null;
  const delta = totpOf('', secret).validate({ token, timestamp: nowMs, window: WINDOW });
  return delta === null ? null : Math.floor(nowMs / 1000 / SHAPE.period) + delta;
}
