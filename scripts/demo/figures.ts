import { verifyBag } from '../../media/archive/bag.ts';

export type DemoFigures = {
  operation: string;
  angles: { id: string; name: string; takes: number; segments: number; frames: number; durationMs: number; alignmentErrorMs: number }[];
  interruptions: { angle: string; startMs: number; endMs: number | null; cause: string }[];
  package: { path: string; sizeBytes: number; files: number; verified: boolean };
};

/** Every figure, read back from the package on the disk. Throws when it does not verify. */
export async function readFigures(packagePath: string): Promise<DemoFigures> {
  const report = await verifyBag(packagePath);
  const { operation } = report;
  if (!report.ok || !operation)
    throw new Error(`the package does not verify:\n${report.problems.map((problem) => `${problem.path}: ${problem.message}`).join('\n')}`);
  return {
    operation: operation.operationId,
    angles: operation.angles.map(({ angleId, name, takes, segments, frames, durationMs, alignmentErrorMs }) => ({
      id: angleId,
      name,
      takes,
      segments,
      frames,
      durationMs: Math.round(durationMs),
      alignmentErrorMs,
    })),
    interruptions: operation.interruptions.map(({ angleId, startMs, endMs, cause }) => ({ angle: angleId, startMs, endMs, cause })),
    package: { path: packagePath, sizeBytes: report.sizeBytes, files: report.files, verified: true },
  };
}
