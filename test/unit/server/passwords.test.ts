import { describe, expect, it } from 'vitest';
import { requireGoodPassword } from '../../../server/people/passwords.ts';

const zhang = { login: 'zhang.san', name: '张三丰道长' };
const guessed = (password: string, who = zhang): boolean => {
  try {
    requireGoodPassword(password, who);
    return false;
  } catch {
    return true;
  }
};

describe('a password', () => {
  it('is none of the most used ones, however it is written', () => {
    for (const each of ['1234567890', 'Qwerty12345', 'pass-word-1234', 'basketball', 'woaini1314520', 'Masterpopov'])
      expect([each, guessed(each)]).toEqual([each, true]);
  });

  it('is no pattern, and more than names of its owner, the product or the brigade', () => {
    for (const each of [
      'ababababab',
      '!!!!!!!!!!',
      'zhang.san1',
      '张三丰道长12345',
      'fieldhub-2026',
      'chengguan110',
      'ZhifaZhongdui',
      '城管执法大队2026',
    ])
      expect([each, guessed(each)]).toEqual([each, true]);
  });

  it('may be of any characters, a name among them', () => {
    for (const each of [
      'a wide river',
      '城管 walks by the river',
      '一座很长很长的石桥上',
      '🚒🚒 seven engines',
      '%&/()=?!+#',
      'kX9-vv20-Lm31',
    ])
      expect([each, guessed(each)]).toEqual([each, false]);
  });
});
