export const BOARD_TABS = ['all', 'live', 'today', 'planned', 'ended'] as const;
export type BoardTab = (typeof BOARD_TABS)[number];
export const BOARD_START = {
  tab: 'all',
  q: '',
  type: '',
  squad: '',
  secrecy: '',
  missing: '',
  from: '',
  to: '',
  sort: '',
  case: '',
  page: '1',
};
export type BoardFilters = typeof BOARD_START;
/** What somebody sorts by, and which way is of use then. */
export const BOARD_SORTS = { time: 'desc', planned: 'asc', name: 'asc', state: 'desc', number: 'desc' } as const;

/** What each tab shows, and in which order unless somebody chooses another: what is live first, the next plan first. */
const TABS: Record<BoardTab, { state: string[]; sort: keyof typeof BOARD_SORTS }> = {
  all: { state: [], sort: 'state' },
  live: { state: ['live'], sort: 'time' },
  today: { state: [], sort: 'time' },
  planned: { state: ['planned'], sort: 'planned' },
  ended: { state: ['ended', 'sealed'], sort: 'time' },
};

/** Midnight so many days after a day of the reader's calendar, where not every day has 24 hours. */
const midnight = (day: Date, after = 0): number => new Date(day.getFullYear(), day.getMonth(), day.getDate() + after).getTime();

/** Likewise of a day as it is written (`2026-03-01`); null when it is none. */
function dayMs(day: string, after = 0): number | null {
  const at = new Date(`${day}T00:00`);
  return Number.isNaN(at.getTime()) ? null : midnight(at, after);
}

/** The list's query; `now`: for today. Without a page and its size: for the table. */
export function boardQuery(filters: BoardFilters, now: Date, pages: { size: number } | null): string {
  const tab = TABS[BOARD_TABS.find((each) => each === filters.tab) ?? 'all'];
  const sort = filters.sort in BOARD_SORTS ? (filters.sort as keyof typeof BOARD_SORTS) : tab.sort;
  const query = new URLSearchParams({ sort, order: BOARD_SORTS[sort] });
  const say = (name: string, value: string | number | null): void => {
    if (value !== '' && value !== null) query.append(name, String(value));
  };
  say('q', filters.q.trim());
  for (const state of tab.state) say('state', state);
  say('type', filters.type);
  say('squad', filters.squad);
  say('confidentiality', filters.secrecy);
  say('missing', filters.missing);
  say('case', filters.case);
  say('from', filters.tab === 'today' ? midnight(now) : dayMs(filters.from));
  say('to', filters.tab === 'today' ? midnight(now, 1) : dayMs(filters.to, 1));
  say('page', pages && filters.page);
  say('size', pages && pages.size);
  return query.toString();
}
