import { describe, expect, it } from 'vitest';
import { lifeOf, sumOf } from '../../page/src/charts/life.ts';
import type { MessageDetail } from '../../src/index.ts';

const error = { name: 'Error', message: 'no' };
const attempt = (number: number, at: number, ranMs?: number) => ({
  ...{ attempt: number, at, worker: 'w', error },
  ...(ranMs !== undefined && { ranMs }),
});

/** A message that was sent at 1,000. */
function message(fields: Partial<MessageDetail>): MessageDetail {
  return {
    ...{ id: 'm', queue: 'q', state: 'dead', task: 't', at: 0, sentAt: 1_000, attempt: 1, attempts: [], headers: [] },
    body: { bytes: 2, form: 'json', truncated: false, redacted: 0 },
    ...fields,
  };
}

describe('the life of a message', () => {
  it('is its waits, its runs and the pauses between them', () => {
    const attempts = [attempt(1, 5_000, 3_000), attempt(2, 11_000, 1_000)];
    const life = lifeOf(message({ attempts, deadAt: 11_000 }), 99_000);
    expect(life).toEqual({
      spans: [
        { part: 'wait', from: 0, to: 1_000 },
        { part: 'run', from: 1_000, to: 4_000 },
        { part: 'off', from: 4_000, to: 9_000 },
        { part: 'run', from: 9_000, to: 10_000 },
      ],
      total: 10_000,
      isDead: true,
    });
    expect(['wait', 'run', 'off'].map((part) => sumOf(life as NonNullable<typeof life>, part as 'run'))).toEqual([
      1_000, 4_000, 5_000,
    ]);
  });

  it('goes on to now while the message runs, or waits for its next attempt', () => {
    const attempts = [attempt(1, 3_000, 2_000)];
    const runs = lifeOf(message({ state: 'running', attempt: 2, startedAt: 4_000, attempts }), 9_000);
    expect(runs?.spans.map(({ part, to }) => `${part} ${to}`)).toEqual(['run 2000', 'off 3000', 'run 8000']);
    expect(lifeOf(message({ state: 'delayed', attempts }), 7_000)?.spans.at(-1)).toEqual({
      part: 'off',
      from: 2_000,
      to: 6_000,
    });
  });

  it('begins at the last redrive', () => {
    const redriven = { count: 1, at: 50_000, reason: 'x', attempts: [] };
    const life = lifeOf(message({ redriven, attempts: [attempt(1, 50_400, 400)] }), 60_000);
    expect(life).toMatchObject({ spans: [{ part: 'run', from: 0, to: 400 }], total: 400 });
  });

  it('never runs backwards, whatever the clocks of the workers say', () => {
    const attempts = [attempt(1, 9_000, 2_000), attempt(2, 4_000, 60_000), attempt(3, 10_000, 500)];
    const { spans = [] } = lifeOf(message({ attempts, deadAt: 2_000 }), 0) ?? {};
    for (const [index, { from, to }] of spans.entries()) {
      expect(to).toBeGreaterThan(from);
      expect(from).toBe(spans[index - 1]?.to ?? 0);
    }
  });

  it.each([
    ['a message that never ran', { state: 'ready' }],
    ['attempts without a run time', { attempts: [attempt(1, 5_000)] }],
    ['a message that crashed', { crashes: 1, attempts: [attempt(1, 5_000, 10)] }],
    ['a history whose first attempts were left out', { attempts: [attempt(3, 5_000, 10)] }],
    ['a message without its time of sending', { sentAt: undefined, attempts: [attempt(1, 5_000, 10)] }],
  ])('is not drawn for %s', (_, fields) => {
    expect(lifeOf(message(fields as Partial<MessageDetail>), 9_000)).toBeUndefined();
  });
});
