import { createI18n } from 'vue-i18n';
import en from './locales/en.ts';
import zhCN from './locales/zh-CN.ts';

export type Locale = 'zh-CN' | 'en';
const KEY = 'fieldhub.locale';

/** The reader's own choice, else the browser's language: Chinese of any kind, else English. */
function startLocale(): Locale {
  const chosen = localStorage.getItem(KEY);
  if (chosen === 'zh-CN' || chosen === 'en') return chosen;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

const locale = startLocale();
document.documentElement.lang = locale;

export const i18n = createI18n({ legacy: false, locale, fallbackLocale: 'en', messages: { 'zh-CN': zhCN, en } });

export function setLocale(next: Locale): void {
  i18n.global.locale.value = next;
  document.documentElement.lang = next;
  localStorage.setItem(KEY, next);
}
