import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// @ts-expect-error the set-up is plain JavaScript, for a machine that has nothing yet
import { missingFrom } from '../../../scripts/setup/packages.mjs';
// @ts-expect-error see above
import { filesOf, hashOf, isStamped, stamp } from '../../../scripts/setup/stamp.mjs';

const NOBODY = 65_534;
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fieldhub-setup-'));
  chmodSync(dir, 0o777);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('set-up', () => {
  it('knows which Debian packages are missing, also half-removed ones', () => {
    const told = 'ffmpeg install ok installed\nchromium deinstall ok config-files\nlibssl-dev:amd64 install ok installed\n';
    expect(missingFrom(told, ['ffmpeg', 'chromium', 'libssl-dev', 'redis-server'])).toEqual(['chromium', 'redis-server']);
  });

  it('does a step again when a file it depends on changed, and only then', () => {
    const source = join(dir, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'a.ts'), '1');
    const mark = join(dir, 'out', 'mark');
    const wanted = () => hashOf(dir, filesOf([source])) as string;
    stamp(mark, wanted());
    expect(isStamped(mark, wanted())).toBe(true);
    writeFileSync(join(source, 'a.ts'), '2');
    expect(isStamped(mark, wanted())).toBe(false);
    stamp(mark, wanted());
    writeFileSync(join(source, 'b.ts'), '');
    expect(isStamped(mark, wanted())).toBe(false);
  });

  it('without root and sudo, prints the exact command to run by hand and exits 1', () => {
    const copy = join(dir, 'checkout');
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    cpSync('scripts', join(copy, 'scripts'), { recursive: true });
    chmodSync(copy, 0o777);
    // a machine where dpkg knows of nothing, and sudo wants a password
    for (const [name, script] of [
      ['dpkg-query', 'exit 1'],
      ['sudo', 'exit 1'],
    ] as const) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const node = join(dir, 'node');
    cpSync(process.execPath, node); // where nobody may run it
    chmodSync(node, 0o755);
    const as = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const PATH = [bin, dirname('/bin/sh'), '/usr/bin'].join(delimiter);
    const run = spawnSync(node, ['scripts/setup.mjs', 'start'], { cwd: copy, env: { PATH, HOME: dir }, encoding: 'utf8', ...as });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain('apt-get update && apt-get install -y --no-install-recommends ffmpeg redis-server');
    expect(run.stderr).not.toContain('    at ');
  });

  it('knows no tool that a bare machine lacks', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    for (const name of ['start', 'demo', 'test', 'check', 'dev', 'verify'])
      expect(scripts[`pre${name}`]).toMatch(/^node scripts\/setup\.mjs/);
  });
});
