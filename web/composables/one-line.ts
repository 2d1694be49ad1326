/** As a name is kept: what was pasted out of a table has tabs in it. */
export const oneLine = (text: string): string => text.replaceAll(/[\t\n\v\f\r]+/g, ' ').trim();
