import { describe, expect, it, vi } from 'vitest';

interface Question {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly input?: { readonly value?: string };
  readonly run: (answer: { readonly typed: string; readonly input: string }) => Promise<void>;
}

const { asked, startBulk } = vi.hoisted(() => ({ asked: [] as Question[], startBulk: vi.fn() }));
vi.mock('../../page/src/parts/dialog.tsx', () => ({ ask: (question: Question) => asked.push(question) }));
vi.mock('../../page/src/actions/perform.ts', () => ({ startBulk }));
vi.mock('../../page/src/actions/other-queues.ts', () => ({ otherQueues: async () => [] }));

/** The page is compiled for browsers, with types of its own. */
const load = (name: string) => import(new URL(`../../page/src/${name}.ts`, import.meta.url).href);

describe('the question before a bulk job', () => {
  it('asks again after a refusal with the number of now, the queue that was typed, and the same letters', async () => {
    const { askForBulk } = await load('actions/bulk-actions');
    const { ApiError } = await load('api/client');
    startBulk.mockRejectedValueOnce(new ApiError(409, { code: 'COUNT_CHANGED', message: 'off', matched: 3 }));
    askForBulk('move', { queue: 'pdf', filter: { task: 'a' }, facts: [], expect: 8, countedAt: 1_000 });
    expect(asked[0]?.input?.value).toBeUndefined();
    await asked[0]?.run({ typed: '', input: 'later' });
    const [, again] = asked;
    expect(again).toMatchObject({ title: 'Move 3 dead messages of pdf?', input: { value: 'later' } });
    expect(again?.facts).toContainEqual(['Match', '3, not 8']);
    await again?.run({ typed: '', input: 'later' });
    const filter = { task: 'a', until: 1_000 };
    expect(startBulk.mock.calls.map(([request]) => request)).toEqual([
      { do: 'move', queue: 'pdf', filter, expect: 8, to: 'later' },
      { do: 'move', queue: 'pdf', filter, expect: 3, to: 'later' },
    ]);
  });
});
