import { computed, type ComputedRef } from 'vue';
import { useRouter } from 'vue-router';
import { useSession } from './use-session.ts';

/** `text`: its key in the words; `page`: one of this program's own, else an address of the hub. */
export type Place = { path: string; text: string; page: boolean };

/** Where somebody can go, and with which permission; a page that this program does not have is not offered. */
const PLACES: (Place & { permission: string | null })[] = [
  { path: '/', text: 'nav.operations', permission: 'operation.see', page: true },
  { path: '/cases', text: 'nav.cases', permission: 'operation.see', page: true },
  { path: '/devices', text: 'nav.devices', permission: 'device.see', page: true },
  { path: '/shot-lists', text: 'nav.shotLists', permission: 'shot-list.see', page: true },
  { path: '/people', text: 'nav.people', permission: 'people.see', page: true },
  { path: '/custody', text: 'nav.custody', permission: 'log.read', page: true },
  { path: '/api/docs', text: 'nav.api', permission: null, page: false },
];

/** Of whoever is signed in. */
export function usePlaces(): ComputedRef<Place[]> {
  const session = useSession();
  const router = useRouter();
  const exists = (path: string): boolean => router.resolve(path).matched.some((route) => !route.path.startsWith('/:'));
  return computed(() =>
    PLACES.filter(({ path, permission, page }) => (permission === null || session.may(permission)) && (!page || exists(path))),
  );
}
