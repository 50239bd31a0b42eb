import type { JSX } from 'preact';

/** Drawings of 16 × 16 units. States have their glyph here too: color never stands alone. */
export const GLYPHS = {
  ready: (
    <>
      <circle cx="8" cy="8" r="4.75" />
    </>
  ),
  delayed: (
    <>
      <circle cx="8" cy="8" r="5.75" />
      <path d="M8 4.75V8l2.25 1.5" />
    </>
  ),
  running: (
    <>
      <path class="solid" d="M5 3.2v9.6a.6.6 0 0 0 .92.5l7.3-4.8a.6.6 0 0 0 0-1L5.92 2.7A.6.6 0 0 0 5 3.2Z" />
    </>
  ),
  succeeded: (
    <>
      <path d="m3.25 8.5 3.25 3.25 6.25-7.5" />
    </>
  ),
  failed: (
    <>
      <path d="M8 2.5 14 13.25H2Z" />
      <path d="M8 6.5v3" />
      <circle class="solid" cx="8" cy="11.3" r=".8" />
    </>
  ),
  dead: (
    <>
      <path
        class="solid"
        fill-rule="evenodd"
        d="M5.3 1.75h5.4l3.55 3.55v5.4l-3.55 3.55H5.3L1.75 10.7V5.3ZM5.6 4.7l-.9.9L7.1 8l-2.4 2.4.9.9L8 8.9l2.4 2.4.9-.9L8.9 8l2.4-2.4-.9-.9L8 7.1Z"
      />
    </>
  ),
  paused: (
    <>
      <path class="solid" d="M4 3h2.75v10H4zM9.25 3H12v10H9.25z" />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.25" />
      <path d="m10.25 10.25 3.25 3.25" />
    </>
  ),
  x: (
    <>
      <path d="m4.5 4.5 7 7m0-7-7 7" />
    </>
  ),
  down: (
    <>
      <path d="m4.5 6.25 3.5 3.5 3.5-3.5" />
    </>
  ),
  right: (
    <>
      <path d="m6.25 4.5 3.5 3.5-3.5 3.5" />
    </>
  ),
  plus: (
    <>
      <path d="M8 3.5v9M3.5 8h9" />
    </>
  ),
  lock: (
    <>
      <rect x="3.5" y="7" width="9" height="6.5" rx="1.5" />
      <path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 7.5v3.5" />
      <circle class="solid" cx="8" cy="5.1" r=".8" />
    </>
  ),
  retry: (
    <>
      <path d="M13 8a5 5 0 1 1-1.5-3.55L13 6M13 2.75V6H9.75" />
    </>
  ),
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M3.5 10.5h-.25a1 1 0 0 1-1-1V3.25a1 1 0 0 1 1-1H9.5a1 1 0 0 1 1 1v.25" />
    </>
  ),
  move: (
    <>
      <path d="M2.5 8h10M9 4.5 12.5 8 9 11.5" />
    </>
  ),
  trash: (
    <>
      <path d="M2.75 4.25h10.5M6.25 4V2.75h3.5V4m-5.5.25.6 9h6.3l.6-9" />
    </>
  ),
  eye: (
    <>
      <path d="M1.75 8S4 3.75 8 3.75 14.25 8 14.25 8 12 12.25 8 12.25 1.75 8 1.75 8Z" />
      <circle cx="8" cy="8" r="1.75" />
    </>
  ),
  send: (
    <>
      <path d="M8 12.5v-9M4.5 7 8 3.5 11.5 7" />
    </>
  ),
  queue: (
    <>
      <path d="M2.5 4h11M2.5 8h11M2.5 12h6" />
    </>
  ),
  plug: (
    <>
      <path d="M5.5 2v3m5-3v3M4 5h8v2.5a4 4 0 0 1-8 0Zm4 6.5V14" />
    </>
  ),
  user: (
    <>
      <circle cx="8" cy="5.5" r="2.5" />
      <path d="M3 13.5c.5-2.5 2.5-3.75 5-3.75s4.5 1.25 5 3.75" />
    </>
  ),
  more: (
    <>
      <circle class="solid" cx="3.5" cy="8" r="1.2" />
      <circle class="solid" cx="8" cy="8" r="1.2" />
      <circle class="solid" cx="12.5" cy="8" r="1.2" />
    </>
  ),
  up: (
    <>
      <path d="m4.5 9.75 3.5-3.5 3.5 3.5" />
    </>
  ),
  stop: (
    <>
      <rect class="solid" x="4" y="4" width="8" height="8" rx="1" />
    </>
  ),
  calendar: (
    <>
      <rect x="2.5" y="3.5" width="11" height="10" rx="1.5" />
      <path d="M2.5 6.75h11M5.5 2v3m5-3v3" />
    </>
  ),
  bolt: (
    <>
      <path d="M8.75 1.75 3.5 9h3.75l-.75 5.25L12 7H8.25Z" />
    </>
  ),
  keyboard: (
    <>
      <rect x="1.75" y="4" width="12.5" height="8" rx="1.5" />
      <path d="M4.5 6.750h.01M7 6.750h.01M9.500 6.750h.01M11.750 6.750h.01M5.250 9.500h5.500" />
    </>
  ),
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof GLYPHS;
