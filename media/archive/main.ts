import { HubError, messageOf } from '../errors.ts';
import { buildBag, verifyBag } from './bag.ts';
import { PackOrder, type PackMessage } from './pack.ts';

/** The packing process: takes one order, builds the bag, reads it back, ends. */
const REPORT_MS = 200;
let toldMs = 0;

const tell = (message: PackMessage): void => void process.send?.(message);
const progress = (step: 'copying' | 'verifying') => (part: number) => {
  if (performance.now() - toldMs < REPORT_MS && part < 1) return;
  toldMs = performance.now();
  tell({ type: 'progress', step, progress: part });
};

process.on('disconnect', () => process.exit());
process.once('message', (value) => {
  pack(PackOrder.parse(value)).catch((error: unknown) => {
    tell({ type: 'failed', code: error instanceof HubError ? error.code : 'internal', message: messageOf(error) });
    process.exitCode = 1;
    process.disconnect();
  });
});

async function pack(order: PackOrder): Promise<void> {
  const bag = await buildBag({ ...order, progress: progress('copying') });
  const report = await verifyBag(bag.path, progress('verifying'));
  if (!report.ok)
    throw new HubError(
      'corrupt',
      `the package does not verify: ${report.problems
        .slice(0, 5)
        .map((problem) => `${problem.path}: ${problem.message}`)
        .join('; ')}`,
    );
  tell({ type: 'done', path: bag.path, sizeBytes: report.sizeBytes, files: report.files });
  process.disconnect();
}
