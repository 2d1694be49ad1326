import { join } from 'node:path';
import { pino } from 'pino';
import { Signer } from '../../media/recordings/signer.ts';
import { THE_HUB } from '../../server/custody/lines.ts';
import { CustodyLog } from '../../server/custody/log.ts';

/** A process of its own that writes the custody log in a folder, and says of each line that it was told is on the disk, until it is killed. */
const dataDir = process.argv[2] ?? '';
const signer = await Signer.load(join(dataDir, 'keys'), 'custody-ed25519');
const log = await CustodyLog.open(join(dataDir, 'custody'), { signer, nowMs: () => Date.now(), log: pino({ level: 'silent' }) });

async function write(writer: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const { seq } = await log.record({ what: 'sign-in', who: THE_HUB, subject: `${writer}-${n}`, detail: { text: 'x'.repeat(n % 900) } });
    process.stdout.write(`${seq} ${writer}-${n}\n`);
  }
}
await Promise.all(Array.from({ length: 20 }, (_, writer) => write(writer)));
