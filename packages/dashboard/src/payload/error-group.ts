const LONGEST = 300;
const UUID = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi;
/** Ids and hashes: at least eight characters, with a digit. */
const ID = /(?<![\w-])(?=[\w-]*\d)[\w-]{8,}(?![\w-])/g;
const NUMBER = /\d+(?:[.,]\d+)*/g;
/** A status of HTTP says what went wrong, and does not differ between letters. */
const STATUS = /^[45]\d\d$/;

/** The reason of a death without numbers and ids, which differ between letters that died of the same error. */
export function errorGroup(reason: string): string {
  const [line = ''] = reason.split('\n', 1);
  return line
    .slice(0, LONGEST)
    .replace(UUID, '#')
    .replace(ID, '#')
    .replace(NUMBER, (number) => (STATUS.test(number) ? number : '#'));
}
