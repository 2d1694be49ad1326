import 'reflect-metadata'; // @peculiar/x509 wants it before itself
import { webcrypto } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never); // the same interface, typed by the DOM there

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Browsers refuse server certificates that live longer than 398 days (CA/Browser Forum BR 6.3.2). */
const SERVER_DAYS = 390;
const RENEW_DAYS = 30;

export type ServerCertificate = { cert: string; key: string; caPath: string | null };

/**
 * The certificate the hub shows: a local authority in `<data>/tls`, made once, signs one for every address this machine
 * has; made anew when the addresses change or it nears its end. Only the authority's certificate ever leaves the folder.
 */
export async function localCertificate(dataDir: string, names: string[], nowMs: number): Promise<ServerCertificate> {
  const dir = join(dataDir, 'tls');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = (name: string): string => join(dir, name);
  if (!existsSync(path('ca.crt'))) await makeAuthority(path('ca.crt'), path('ca.key'), nowMs);
  const wanted = [...new Set([...names, ...ownNames()])].toSorted();
  if (!stillGood(path('server.crt'), path('server.names'), wanted, nowMs)) await makeServer(path, wanted, nowMs);
  const cert = readFileSync(path('server.crt'), 'utf8') + readFileSync(path('ca.crt'), 'utf8');
  return { cert, key: readFileSync(path('server.key'), 'utf8'), caPath: path('ca.crt') };
}

function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).filter((entry) => !entry.address.startsWith('fe80')).map((entry) => entry.address),
  );
  return ['localhost', hostname(), ...addresses];
}

function stillGood(certPath: string, namesPath: string, wanted: string[], nowMs: number): boolean {
  if (!existsSync(certPath) || !existsSync(namesPath)) return false;
  const cert = new x509.X509Certificate(readFileSync(certPath, 'utf8'));
  return readFileSync(namesPath, 'utf8') === wanted.join('\n') && cert.notAfter.getTime() - nowMs > RENEW_DAYS * DAY_MS;
}

async function makeAuthority(certPath: string, keyPath: string, nowMs: number): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=fieldhub local authority ${hostname()}`,
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + 3650 * DAY_MS),
    signingAlgorithm: EC,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeKey(keyPath, keys.privateKey);
  writeFileSync(certPath, `${cert.toString('pem')}\n`);
}

async function makeServer(path: (name: string) => string, names: string[], nowMs: number): Promise<void> {
  const ca = new x509.X509Certificate(readFileSync(path('ca.crt'), 'utf8'));
  const caKey = await webcrypto.subtle.importKey('pkcs8', pemBody(readFileSync(path('ca.key'), 'utf8')), EC, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const isIp = (name: string): boolean => /^[0-9.]+$/.test(name) || name.includes(':');
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=fieldhub',
    issuer: ca.subject,
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + SERVER_DAYS * DAY_MS),
    signingAlgorithm: EC,
    publicKey: keys.publicKey,
    signingKey: caKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIp(value) ? ('ip' as const) : ('dns' as const), value }))),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  await writeKey(path('server.key'), keys.privateKey);
  writeFileSync(path('server.crt'), `${cert.toString('pem')}\n`);
  writeFileSync(path('server.names'), names.join('\n'));
}

async function writeKey(path: string, key: webcrypto.CryptoKey): Promise<void> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const body = der.toString('base64').replace(/(.{64})/g, '$1\n');
  writeFileSync(`${path}.new`, `-----BEGIN PRIVATE KEY-----\n${body.trimEnd()}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}

function pemBody(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
    .toString('hex')
    .replace(/^./, '1');
}
