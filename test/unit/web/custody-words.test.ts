import { describe, expect, it } from 'vitest';
import { WHATS } from '../../../server/custody/lines.ts';
import { PERMISSION_NAMES } from '../../../server/permission/rules.ts';
import en from '../../../web/locales/en.ts';
import zhCN from '../../../web/locales/zh-CN.ts';

const at = (texts: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], texts);

describe.each([
  ['en', en],
  ['zh-CN', zhCN],
])('in %s there are words', (_, texts) => {
  it('for all that the custody log tells of', () => {
    for (const what of [...WHATS, 'log.opened', 'log.dropped']) expect(at(texts.custody.what, what), what).toBeTypeOf('string');
  });

  it('for every permission', () => {
    for (const permission of PERMISSION_NAMES) expect(at(texts.permission, permission), permission).toBeTypeOf('string');
  });
});
