interface Focusable {
  focus(options: { readonly preventScroll: boolean }): void;
}

/** The element of a page. */
interface Page extends Focusable {
  querySelector(selector: string): unknown;
}

/** Moves the focus to a page that has just opened: to its field if one is there to be typed into, else to the page. */
export function placeFocus(page: Page): void {
  const field = page.querySelector('input[data-takes-focus]:not([readonly])') as Focusable | null;
  (field ?? page).focus({ preventScroll: true });
}
