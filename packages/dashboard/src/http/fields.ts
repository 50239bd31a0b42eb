import { badRequest } from './api-error.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Most characters of a parameter or a text field. */
const LONGEST_TEXT = 1_024;
/** Most characters of the id of a message. */
const LONGEST_ID = 200;
/** Most ids that one change names. */
const MOST_IDS = 500;

/** @throws ApiError 400 if a field or parameter has a name that the call does not know */
export function checkNames(given: Iterable<string>, known: readonly string[], what: string): void {
  for (const name of given) {
    if (!known.includes(name)) {
      const names = known.length === 0 ? 'this call takes none' : `this call takes ${known.join(', ')}`;
      throw badRequest(`unknown ${what} ${JSON.stringify(name.slice(0, 60))}; ${names}`);
    }
  }
}

/** @throws ApiError 400 if the field is there and is not a text of at most 1,024 characters */
export function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= LONGEST_TEXT) return value === '' ? undefined : value;
  throw badRequest(`${name} must be a text of at most ${LONGEST_TEXT} characters`);
}

/** @throws ApiError 400 if the field is missing, or empty */
export function text(fields: Fields, name: string): string {
  const value = optionalText(fields, name);
  if (value === undefined) throw badRequest(`${name} is missing`);
  return value;
}

/** @throws ApiError 400 if the field is there and is not true or false */
export function optionalFlag(fields: Fields, name: string): boolean | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw badRequest(`${name} must be true or false`);
}

/** Reads a number of a body, or the text of a parameter. @throws ApiError 400 unless it is a whole number in these bounds */
export function optionalNumber(
  fields: Fields,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least && number <= most) return number;
  throw badRequest(`${name} must be a whole number from ${least} to ${most}`);
}

/** @throws ApiError 400 unless the field, if it is there, is one of `choices` */
export function optionalChoice<T extends string>(fields: Fields, name: string, choices: readonly T[]): T | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw badRequest(`${name} must be one of ${choices.join(', ')}`);
}

/** The ids of a change, each once. @throws ApiError 400 unless there are 1 to 500, of at most 200 characters */
export function idsIn(fields: Fields): readonly string[] {
  const { ids } = fields;
  const isValid = (id: unknown): id is string => typeof id === 'string' && id.length > 0 && id.length <= LONGEST_ID;
  if (Array.isArray(ids) && ids.length > 0 && ids.length <= MOST_IDS && ids.every(isValid)) return [...new Set(ids)];
  throw badRequest(`ids must be a list of 1 to ${MOST_IDS} ids, each of 1 to ${LONGEST_ID} characters`);
}
