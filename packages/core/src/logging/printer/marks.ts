/** Characters that begin a line or join its parts. */
export interface Marks {
  readonly started: string;
  readonly retry: string;
  readonly failed: string;
  readonly warning: string;
  readonly counts: string;
  readonly none: string;
  readonly dot: string;
  readonly more: string;
}

export const UNICODE_MARKS: Marks = {
  started: '●',
  retry: '↻',
  failed: '✗',
  warning: '!',
  counts: 'Σ',
  none: ' ',
  dot: ' · ',
  more: '…',
};

export const PLAIN_MARKS: Marks = {
  started: '*',
  retry: '~',
  failed: 'x',
  warning: '!',
  counts: '=',
  none: ' ',
  dot: ', ',
  more: '..',
};
