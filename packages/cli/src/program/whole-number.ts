import { InvalidArgumentError } from 'commander';

/** Reads the value of an option. @throws InvalidArgumentError if it is not a whole number of 1 or more */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('a whole number of 1 or more is needed.');
}
