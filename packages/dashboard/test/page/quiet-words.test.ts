import { describe, expect, it } from 'vitest';
import { calmText } from '../../page/src/pages/calm-text.ts';
import { deadNote } from '../../page/src/pages/dead-note.ts';
import { timeOfDay } from '../../page/src/text/clock-time.ts';

const AT = 1_000_000_000;
const SINCE = AT - 240_000;
const since = `since ${timeOfDay(SINCE, false)}`;

describe('below the number of dead letters', () => {
  it.each([
    [
      { deadAdded: 3, deadNew: 3 },
      { change: '+3', text: 'in the last hour' },
    ],
    [{ deadAdded: 0, deadNew: 0 }, { text: 'none new in the last hour' }],
    [{ deadAdded: 0, deadNew: 0, deadSince: SINCE }, { text: `none new ${since}` }],
    [
      { deadAdded: 3, deadNew: 3, deadSince: SINCE },
      { change: '+3', text: since },
    ],
    [
      { deadAdded: -27, deadNew: 0, deadSince: SINCE },
      { change: '−27', text: since },
    ],
    [
      { deadAdded: -27, deadNew: 28 },
      { change: '−27', text: 'in the last hour, 28 died' },
    ],
    [{ deadAdded: 0 }, { change: '±0', text: 'in the last hour' }],
    [
      { deadAdded: 0, deadNew: 4 },
      { change: '±0', text: 'in the last hour, 4 died' },
    ],
    [{}, undefined],
  ])('the page says of %j: %j', (whole, note) => {
    expect(deadNote(whole)).toEqual(note);
  });
});

describe('in place of warnings', () => {
  it('the page claims ten minutes only if the dashboard has looked for so long', () => {
    expect(calmText({ at: AT, lookedSince: AT - 600_000 })).toMatch(/in the last 10 minutes\.$/);
    expect(calmText({ at: AT, lookedSince: SINCE })).toContain(`${since}.`);
  });

  it('the page claims nothing while the broker cannot be reached', () => {
    const error = { code: 'BROKER_UNAVAILABLE', message: 'redis://localhost:6379 is unreachable' };
    expect(calmText({ at: AT, lookedSince: SINCE, error })).toBe('Unknown: the broker cannot be reached.');
  });
});
