import ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';

/** What fluent-ffmpeg keeps on a command besides its typed interface. */
type Internals = { _checkCapabilities: (done: (error: Error | null) => void) => void };

/**
 * A fluent-ffmpeg command without its capability check: that one parses the tables of `ffmpeg -formats` and `-encoders`,
 * which have one more column since ffmpeg 7 (devices are marked `d`), so that it refuses formats which are there.
 * ffmpeg itself says plainly enough what it lacks.
 */
export function ffmpegCommand(input: string): FfmpegCommand {
  const command = ffmpeg(input);
  (command as unknown as Internals)._checkCapabilities = (done) => done(null);
  return command;
}

/** Run to the end. Rejects with ffmpeg's own last words. */
export function run(command: FfmpegCommand, outputPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    command
      .on('end', () => resolve())
      .on('error', (error: Error) => reject(error))
      .save(outputPath);
  });
}
