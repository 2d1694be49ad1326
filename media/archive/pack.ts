import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { HubError, type HubErrorCode } from '../errors.ts';

export const PackOrder = z.object({ operationDir: z.string(), archiveDir: z.string(), hubVersion: z.string(), nowMs: z.number() });
export type PackOrder = z.infer<typeof PackOrder>;

export const PackMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), step: z.enum(['copying', 'verifying']), progress: z.number() }),
  z.object({ type: z.literal('done'), path: z.string(), sizeBytes: z.int(), files: z.int() }),
  z.object({ type: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type PackMessage = z.infer<typeof PackMessage>;

/**
 * Pack and verify in a process of its own: hashing gigabytes shares no thread with signalling. The child ends with its
 * parent. Rejects with the child's HubError.
 */
export function packInChild(
  order: PackOrder,
  progress: (step: 'copying' | 'verifying', part: number) => void,
): Promise<{ path: string; sizeBytes: number; files: number }> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./main.ts', import.meta.url)), { env: process.env, execArgv: [] });
    child.on('message', (value) => {
      const message = PackMessage.parse(value);
      if (message.type === 'progress') progress(message.step, message.progress);
      else if (message.type === 'done') resolve({ path: message.path, sizeBytes: message.sizeBytes, files: message.files });
      else reject(new HubError(message.code as HubErrorCode, message.message));
    });
    child.once('error', (error) => reject(new HubError('internal', `packing could not start: ${error.message}`, { cause: error })));
    child.once('exit', (code, signal) => reject(new HubError('internal', `packing ended early (${signal ?? code})`)));
    child.send(order);
  });
}
