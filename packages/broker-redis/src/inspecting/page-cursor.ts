import { ConfigError, shown } from '@brokkr/core/adapter';

/** Where a page ended: the score of its last message or that message's place in line (see `page`), and its id. */
export interface PageCursor {
  readonly position: string;
  readonly id: string;
}

/** A score as Redis prints it, with `~` on a page of ready messages, or a place; then an id. */
const CURSOR = /^(~?-?(?:\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?|inf)):([\s\S]{1,500})$/;
const PLACE = /^(?:\d{1,15}$|~)/;

export function formatCursor({ position, id }: PageCursor): string {
  return `${position}:${id}`;
}

/** @throws ConfigError (`CURSOR_INVALID`) if `after` is not the `next` of a page of this state */
export function readCursor(after: string, isPlace: boolean): PageCursor {
  const [, position, id] = CURSOR.exec(after) ?? [];
  if (position === undefined || id === undefined || (isPlace ? !PLACE.test(position) : position.startsWith('~'))) {
    throw new ConfigError(`page: after must be the \`next\` of a page before; got ${shown(after)}`, {
      code: 'CURSOR_INVALID',
    });
  }
  return { position, id };
}
