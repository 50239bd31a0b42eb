/** Moves the focus to a page that has just opened: to its field if one is there to be typed into, else to the page. */
export function placeFocus(main: HTMLElement): void {
  const field = main.querySelector<HTMLElement>('input[data-takes-focus]:not([readonly])');
  (field ?? main).focus({ preventScroll: true });
}
