const KEY = 'fieldhub.theme';
const root = document.documentElement;

/** Dark unless the reader has chosen light. */
export function applyTheme(): void {
  show(localStorage.getItem(KEY) ?? 'dark');
}

export function toggleTheme(): void {
  const next = root.dataset['theme'] === 'dark' ? 'light' : 'dark';
  show(next);
  localStorage.setItem(KEY, next);
}

function show(theme: string): void {
  root.dataset['theme'] = theme;
  root.classList.toggle('dark', theme === 'dark');
}
