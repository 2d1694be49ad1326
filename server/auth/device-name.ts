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
  const product = /^(?!Mozilla)[\w.+-]{1,40}/.exec(userAgent ?? '')?.[0] ?? deviceName(userAgent);
  return ['WHIP', product].filter(Boolean).join(' · ');
}

/** What a browser's User-Agent says of the device, short enough for a list: `iPhone · Safari`. */
export function deviceName(userAgent: string | undefined): string {
  const find = (known: [RegExp, string][]): string | undefined => known.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  return [find(SYSTEMS), find(BROWSERS)].filter((part) => part !== undefined).join(' · ');
}
