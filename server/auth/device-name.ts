import type { IncomingHttpHeaders } from 'node:http';

const SYSTEMS: [RegExp, string][] = [
  [/OpenHarmony|HarmonyOS/i, 'HarmonyOS'],
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Macintosh/, 'Mac'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
];
/** The more particular first: most browsers name others as well. */
const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger/i, 'WeChat'],
  [/HuaweiBrowser/i, 'Huawei Browser'],
  [/MiuiBrowser/i, 'MIUI Browser'],
  [/SamsungBrowser/, 'Samsung Internet'],
  [/Edg(?:A|iOS)?\//, 'Edge'],
  [/Firefox|FxiOS/, 'Firefox'],
  [/(?:Headless)?Chrome|CriOS/, 'Chrome'],
  [/Safari/, 'Safari'],
];

/** An encoder's, in the same list: `WHIP · OBS-Basic`. */
export function encoderName(userAgent: string | undefined): string {
  return ['WHIP', encoderProduct(userAgent)].filter(Boolean).join(' · ');
}

/** The program that sends: `OBS-Basic`; empty where it does not say. */
export function encoderProduct(userAgent: string | undefined): string {
  return /^(?!Mozilla)[\w.+-]{1,40}/.exec(userAgent ?? '')?.[0] ?? deviceName(userAgent);
}

/** The model as Android's browsers name it; most have stopped to, and say `K` (user-agent reduction) unless they are asked by a client hint. */
const ANDROID_MODEL = /; Android [^;)]*; (?!K\)|wv\)|Mobile|Tablet|rv:|[a-z]{2}[-_][A-Za-z]{2}[;)])([^;)]{2,40}?)(?: Build\/[^;)]*)?[;)]/;

/** `Sec-CH-UA-Model` (User-Agent Client Hints): a string in quotes, empty on a desktop. */
const hinted = (hint: string | string[] | undefined): string | undefined =>
  typeof hint === 'string' ? /^"([\w .()+/-]{2,40})"$/.exec(hint)?.[1] : undefined;

/** What a browser says of its device, short enough for a list: `iPhone · Safari`, `Pixel 8 · Android · Chrome`. */
export function deviceOf(headers: IncomingHttpHeaders): string {
  const agent = headers['user-agent'];
  return [hinted(headers['sec-ch-ua-model']) ?? ANDROID_MODEL.exec(agent ?? '')?.[1], deviceName(agent)].filter(Boolean).join(' · ');
}

/** System and browser by their User-Agent. */
export function deviceName(userAgent: string | undefined): string {
  const find = (known: [RegExp, string][]): string | undefined => known.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  return [find(SYSTEMS), find(BROWSERS)].filter((part) => part !== undefined).join(' · ');
}
