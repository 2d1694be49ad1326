import { writeFileSync } from 'node:fs';
import { permissionsPage } from '../server/permission/page.ts';
import { controlPlane } from '../test/support/in-process.ts';

/** `node scripts/permissions.ts`: writes docs/permissions.md anew from the rules in the code. A test fails while it is not so. */
const plane = await controlPlane();
writeFileSync(new URL('../docs/permissions.md', import.meta.url), permissionsPage(plane.routes));
await plane.close();
