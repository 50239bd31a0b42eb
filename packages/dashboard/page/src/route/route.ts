import { computed, signal } from '@preact/signals';

/** Filters, order and choices of a page, as they are in its address. */
export type Query = Readonly<Record<string, string | undefined>>;

/** The page that the address names: `#/prod/queues/pdf/dead?task=invoice`. */
export interface Route {
  /** Broker, page and further names, decoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

const hash = signal(window.location.hash);
window.addEventListener('hashchange', () => {
  hash.value = window.location.hash;
});

/** The address now. */
export const route = computed<Route>(() => parse(hash.value));

function parse(text: string): Route {
  const [path = '', query = ''] = text.replace(/^#\/?/, '').split('?', 2);
  const names = path.split('/').filter((name) => name !== '');
  return { path: names.map(decode), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a page. Filters that are empty or left out do not show in it. */
export function link(path: readonly string[], query: Query = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

/** Opens a page. With `replace` the browser's history does not grow, for a text that is being typed. */
export function open(address: string, { replace = false } = {}): void {
  if (replace) {
    window.history.replaceState(null, '', address);
    hash.value = window.location.hash;
  } else {
    window.location.hash = address;
  }
}

/** Opens the same page with other filters; a page further down the list begins at its start again. */
export function setQuery(changes: Query, options?: { readonly replace?: boolean }): void {
  const { path, query } = route.value;
  open(link(path, { ...query, after: undefined, ...changes }), options);
}
