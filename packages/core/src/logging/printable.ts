import { escaped } from './escaped.ts';

/** Characters that terminals act on, split lines at, or reorder text by: controls, line separators, bidi controls. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Text in which every character that a terminal would act on is visible, line breaks too. */
export function printable(text: string): string {
  return text.search(UNSAFE) === -1 ? text : text.replace(UNSAFE, escaped);
}
