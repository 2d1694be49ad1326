/** What stands together in the answers of the API: an angle with its operation, a link with its device, a version with what it is of. */
type Context = Record<string, string>;
const KEPT = /Id$|^(version|edition|login|file)$/;
const NUMBERS = ['version', 'edition'];

/** Ids of things that exist, as lists and views of the API give them: nothing here knows what they are of. */
export class KnownIds {
  readonly #contexts = new Map<string, Context>();
  readonly #found = new Map<string, Context[]>();
  readonly #never: Set<string>;

  /** `never`: what no request shall name. */
  constructor(never: string[] = []) {
    this.#never = new Set(never);
  }

  add(...contexts: Context[]): void {
    this.#found.clear();
    for (const context of contexts)
      if (!Object.values(context).some((value) => this.#never.has(value))) {
        const key = JSON.stringify(context);
        this.#contexts.delete(key); // what is learnt again is the newest
        this.#contexts.set(key, context);
      }
  }

  /** Everything in an answer that names something, each with the names around it. */
  harvest(answer: unknown, around: Context = {}): void {
    if (Array.isArray(answer)) for (const each of answer) this.harvest(each, around);
    else if (typeof answer === 'object' && answer !== null) {
      const named = Object.entries(answer).filter(([key, value]) => KEPT.test(key) && /string|number/.test(typeof value));
      const here = { ...around, ...Object.fromEntries(named.map(([key, value]) => [key, String(value)])) };
      if (named.length > 0) this.add(here);
      for (const each of Object.values(answer)) this.harvest(each, here);
    }
  }

  /** The `nth` of those that have all these names, the newest first; null where there is none. */
  together(names: string[], nth: number): Context | null {
    const key = names.join();
    const all =
      this.#found.get(key) ?? [...this.#contexts.values()].filter((context) => names.every((name) => name in context)).toReversed();
    this.#found.set(key, all);
    return all[nth % all.length] ?? null;
  }

  /** `{{name#n}}` in a text becomes a value of that name, of the same thing as in `context` where that has one. */
  fill(text: string, context: Context): string {
    return text.replace(/"?\{\{(\w+)#(\d+)\}\}"?/g, (whole, name: string, nth: string) => {
      const value =
        context[name] ??
        this.#about(context, name) ??
        this.together([name], Number(nth))?.[name] ??
        (NUMBERS.includes(name) ? '1' : 'none-of-these');
      // a number stands without quotes
      return whole.startsWith('"') && !NUMBERS.includes(name) ? JSON.stringify(value) : value;
    });
  }

  /** What is of this name about the very thing that is meant, as it was learnt last. */
  #about(context: Context, name: string): string | undefined {
    if (Object.keys(context).length === 0 || this.together([name], 0) === null) return undefined;
    const all = this.#found.get(name) ?? [];
    return all.find((each) => Object.entries(context).every(([key, value]) => each[key] === value))?.[name];
  }
}
