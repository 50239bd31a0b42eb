import { UsageError } from '../exit.ts';

/**
 * Reads an argument of `brokkr send`: JSON, or text that is taken as a string.
 *
 * @param position of the argument, from 1, for errors
 * @throws UsageError if it begins like JSON and is not, or holds a number that JavaScript would change
 */
export function parseArgument(text: string, position: number): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!/^\s*[{["]/.test(text)) return text;
    const { message } = error as Error;
    throw new UsageError(
      `argument ${position}: ${shortened(text)} begins like JSON, but is not valid (${message}); to send it as a string, quote it: ${quoted(text)}`,
    );
  }
  const changed = firstChangedNumber(text);
  if (changed === undefined) return value;
  throw new UsageError(
    `argument ${position}: JavaScript cannot hold the number ${shortened(changed)}, it would send ${Number(changed)}; send it as a string: ${quoted(changed)}`,
  );
}

/** The first number in a JSON text whose value a double cannot hold. */
function firstChangedNumber(json: string): string | undefined {
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (!token.startsWith('"') && canonical(token) !== canonical(String(Number(token)))) return token;
  }
  return undefined;
}

/** A decimal number as its digits without outer zeros, and its exponent: equal for equal values. */
function canonical(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  if (whole === '') return number;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

function quoted(text: string): string {
  return `'${shortened(JSON.stringify(text))}'`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
