import { expect, it } from 'vitest';
import { deviceName, deviceOf } from '../../../server/auth/device-name.ts';

const CASES = {
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1':
    'iPhone · Safari',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36': 'Android · Chrome',
  'Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 MMWEBID/7 MicroMessenger/8.0.57.2820 WeChat/arm64 NetType/5G Language/zh_CN':
    'Android · WeChat',
  'Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 ArkWeb/6.0 HuaweiBrowser/5.1':
    'HarmonyOS · Huawei Browser',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0':
    'Windows · Edge',
  'curl/8.5.0': '',
};

it.each(Object.entries(CASES))('%s', (userAgent, name) => expect(deviceName(userAgent)).toBe(name));
it('says nothing of what says nothing', () => expect(deviceName(undefined)).toBe(''));

it.each([
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36',
    '"Pixel 8"',
    'Pixel 8 · Android · Chrome',
  ],
  ['Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36', undefined, 'Android · Chrome'],
  ['Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/130.0.0.0', undefined, 'V2309A · Android · Chrome'],
  [
    'Mozilla/5.0 (Linux; Android 12; ALN-AL00 Build/HUAWEI; wv) Chrome/99.0 HuaweiBrowser/1',
    undefined,
    'ALN-AL00 · Android · Huawei Browser',
  ],
  ['Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0', undefined, 'Android · Firefox'],
  ['Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36', '""', 'Linux · Chrome'],
  ['Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36', '"<b>"', 'Linux · Chrome'],
])('%s, %s', (userAgent, hint, name) =>
  expect(deviceOf({ 'user-agent': userAgent, ...(hint === undefined ? {} : { 'sec-ch-ua-model': hint }) })).toBe(name),
);
