import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDir } from './journal.ts';

/** An Ed25519 key of the hub (RFC 8032): signs the heads of journals and of the custody log. Kept in `keys/`, readable by the hub alone; its public half lies beside it. */
export class Signer {
  readonly #key: KeyObject;
  /** SPKI DER, base64. */
  readonly publicKey: string;

  private constructor(key: KeyObject) {
    this.#key = key;
    this.publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  }

  /** Load the key of that name, or make one on first use. Each process has its own, so that two never make one file. */
  static async load(keysDir: string, name = 'hub-ed25519'): Promise<Signer> {
    const path = join(keysDir, `${name}.pem`);
    await mkdir(keysDir, { recursive: true, mode: 0o700 });
    try {
      return new Signer(createPrivateKey(await readFile(path)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await writeDurably(join(keysDir, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
    await writeDurably(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
    await syncDir(keysDir);
    return new Signer(privateKey);
  }

  /** Signature over the ASCII bytes of a text, base64. */
  sign(text: string): string {
    return sign(null, Buffer.from(text, 'ascii'), this.#key).toString('base64');
  }
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(`${path}.new`, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
