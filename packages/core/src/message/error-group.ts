const LONGEST = 300;
const UUID = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi;
/** Ids and hashes: at least eight characters, with a digit. */
const ID = /(?<![\w-])(?=[\w-]*\d)[\w-]{8,}(?![\w-])/g;
const NUMBER = /\d+(?:[.,]\d+)*/g;
/** A status of HTTP says what went wrong, and does not differ between letters. Only after a word that announces one. */
const STATUS = /^[45]\d\d$/;
const ANNOUNCES_STATUS = /\b(?:said|status|code|http|got|with|answered|responded|returned)\W{0,3}$/i;

/** The reason of a death without numbers and ids, which differ between letters that died of the same error. */
export function errorGroup(reason: string): string {
  const [line = ''] = reason.split('\n', 1);
  return line
    .slice(0, LONGEST)
    .replace(UUID, '#')
    .replace(ID, '#')
    .replace(NUMBER, (number, at: number, text: string) =>
      STATUS.test(number) && ANNOUNCES_STATUS.test(text.slice(0, at)) ? number : '#',
    );
}
