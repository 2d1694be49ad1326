import { type Ref, ref } from 'vue';
import type { PersonListed } from '../../server/protocol/people.ts';
import { calledSo, type Chosen, officerNamed } from './use-facts-form.ts';
import { peopleApi } from './use-people.ts';
import { useSearch } from './use-search.ts';
import { useSession } from './use-session.ts';

/** So many are offered while somebody types; so many are looked through for those of one name. */
const OFFERED = 8;
const LOOKED_THROUGH = 200;
const BETWEEN = /[、,，;；\n\r\t]/;

const isSame = (one: Chosen, other: Chosen): boolean =>
  one.personId === other.personId && (one.personId !== null || one.name === other.name);

/** Officers are looked for among everybody the hub knows, by a part of name or badge. */
export function useOfficers(chosen: Ref<Chosen[]>) {
  const known = useSession().may('people.see');
  const find = (q: string, size: number): Promise<PersonListed[]> => (known ? peopleApi.find(q, size) : Promise.resolve([]));
  /** Who may be meant by what is typed. */
  const { q: typed, found, failure, look: search, close } = useSearch((q) => find(q, OFFERED));
  /** The name that several have, of whom one must be chosen. */
  const several = ref('');
  let taking: Promise<boolean> | null = null;

  function add(officer: Chosen): void {
    if (!chosen.value.some((each) => isSame(each, officer))) chosen.value = [...chosen.value, officer];
  }
  function forget(): void {
    typed.value = several.value = '';
    close();
  }
  function choose({ personId, name, badge }: Chosen): void {
    add({ personId, name, badge });
    forget();
  }
  function look(): void {
    several.value = '';
    if (typed.value.trim() === '') forget();
    else search();
  }
  const joined = (...texts: string[]): string => texts.filter((text) => text !== '').join('、');
  /** Who types on while the hub is asked finds that behind what is left of this. */
  async function resolve(): Promise<boolean> {
    const asked = typed.value;
    const names = asked.split(BETWEEN).map((name) => name.trim());
    const left: { name: string; people: PersonListed[] }[] = [];
    forget();
    try {
      for (const name of new Set(names.filter((each) => each !== ''))) {
        const people = await find(name, LOOKED_THROUGH);
        const officer = officerNamed(name, people);
        if (officer) add(officer);
        else left.push({ name, people: calledSo(name, people) });
      }
    } catch (error) {
      typed.value = joined(asked, typed.value);
      throw error;
    }
    const [first] = left;
    if (!first) return true;
    typed.value = joined(...left.map(({ name }) => name), typed.value);
    several.value = first.name;
    close(); // what was asked meanwhile is of no use
    found.value = first.people;
    return false;
  }
  /** One after the other: the second is for what was typed since. */
  function take(): Promise<boolean> {
    const next = (taking ?? Promise.resolve(true)).then(resolve, resolve);
    taking = next;
    const over = (): void => void (taking === next && (taking = null));
    next.then(over, over);
    return next;
  }

  return {
    typed,
    found,
    failure,
    several,
    choose,
    look,
    /** The list goes, what is typed stays. */
    close,
    isEnded: (text: string): boolean => BETWEEN.test(text),
    /** Whoever is typed is taken. False where a name is that of several: one must be chosen. Throws ApiFailure. */
    take,
  };
}
