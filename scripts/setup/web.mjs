import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, hashOf, isStamped, stamp } from './stamp.mjs';
import { run, step } from './steps.mjs';

/** Build the web app when its sources have changed. */
export async function ensureWeb(root) {
  const sources = filesOf(['web', 'server/protocol', 'media/protocol', 'package-lock.json'].map((path) => join(root, path)));
  const wanted = hashOf(root, sources);
  const mark = join(root, 'web/dist/.built-from');
  if (isStamped(mark, wanted) && existsSync(join(root, 'web/dist/index.html'))) return;
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  await step('web app', () =>
    run(join(root, 'node_modules/.bin/node'), [vite, 'build', 'web', '--logLevel', 'warn'], {
      cwd: root,
      advice: 'run `npx vite build web` to see the whole message',
    }),
  );
  stamp(mark, wanted);
}
