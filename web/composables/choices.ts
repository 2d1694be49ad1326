import type { Squad } from '../../server/protocol/people.ts';

export type Choice = { value: string; text: string };

/** What a choice field offers, in words. */
export const choices = <V extends string>(values: readonly V[], words: (value: V) => string): Choice[] =>
  values.map((value) => ({ value, text: words(value) }));

export const squadChoices = (squads: Squad[]): Choice[] => squads.map(({ squadId, name }) => ({ value: squadId, text: name }));
