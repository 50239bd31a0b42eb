import { ConfigError, shown } from '@brokkr/core/adapter';

/** Where a page ended: after so many messages from the front, and the id of the last one. */
export interface PageCursor {
  readonly place: number;
  readonly id: string;
}

const CURSOR = /^(\d{1,7}):([\s\S]{1,500})$/;

export function formatCursor({ place, id }: PageCursor): string {
  // Other programs give messages ids of any length. A shortened one is not found, and the place counts.
  return `${place}:${id.slice(0, 500)}`;
}

/** @throws ConfigError (`CURSOR_INVALID`) if `after` is not the `next` of a page */
export function readCursor(after: string): PageCursor {
  const [, place, id] = CURSOR.exec(after) ?? [];
  if (place === undefined || id === undefined || Number(place) === 0) {
    throw new ConfigError(`page: after must be the \`next\` of a page before; got ${shown(after)}`, {
      code: 'CURSOR_INVALID',
    });
  }
  return { place: Number(place), id };
}
