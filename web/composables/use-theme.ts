const KEY = 'fieldhub.theme';
const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: light)');
/** What the browser's own frame is painted with: `--panel`, which the top of a page has. */
const FRAME = { dark: '#182028', light: '#ffffff' };
type Theme = keyof typeof FRAME;

/** As the reader has chosen, else as the system is. */
export function applyTheme(): void {
  const chosen = localStorage.getItem(KEY);
  if (chosen === 'dark' || chosen === 'light') show(chosen);
  else show(system.matches ? 'light' : 'dark');
}
// whoever has not chosen follows the system at once, at dusk too
system.addEventListener('change', applyTheme);

export function toggleTheme(): void {
  const next = root.dataset['theme'] === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, next);
  show(next);
}

function show(theme: Theme): void {
  root.dataset['theme'] = theme;
  root.classList.toggle('dark', theme === 'dark');
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', FRAME[theme]);
}
