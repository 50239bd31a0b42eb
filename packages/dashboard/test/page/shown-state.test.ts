import { describe, expect, it } from 'vitest';
import { isStale, shownState } from '../../page/src/shell/shown-state.ts';

const unreachable = { error: { code: 'BROKER_UNAVAILABLE', message: 'redis://localhost:6379 is unreachable' } };

describe('the mark at the top', () => {
  it.each(['live', 'polling'] as const)(
    'shows no broker while the figures are %s and the broker is unreachable',
    (state) => {
      expect(shownState(state, unreachable)).toBe('no-broker');
      expect(shownState(state, {})).toBe(state);
      expect(shownState(state, undefined)).toBe(state);
    },
  );

  it.each(['opening', 'stopped', 'lost'] as const)('stays %s if the broker is unreachable, too', (state) => {
    expect(shownState(state, unreachable)).toBe(state);
  });

  it('waits for a broker that has not answered the first time', () => {
    expect(shownState('live', { error: { code: 'BROKER_SILENT', message: 'not yet' } })).toBe('opening');
  });

  it('grays the page if figures no longer arrive', () => {
    expect((['opening', 'live', 'polling', 'stopped', 'lost', 'no-broker'] as const).filter(isStale)).toEqual([
      'lost',
      'no-broker',
    ]);
  });
});
