import { describe, expect, it, vi } from 'vitest';

interface Question {
  readonly title: string;
  readonly text: string;
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
      { do: 'move', queue: 'pdf', filter, expect: 8, to: 'later', create: false },
      { do: 'move', queue: 'pdf', filter, expect: 3, to: 'later', create: false },
    ]);
  });

  it('names a queue that is not known as new, and moves letters to it after a second confirmation', async () => {
    const { askForBulk } = await load('actions/bulk-actions');
    const { ApiError } = await load('api/client');
    startBulk.mockReset().mockRejectedValueOnce(new ApiError(409, { code: 'QUEUE_NEW', message: 'no queue "pfd"' }));
    asked.length = 0;
    askForBulk('move', { queue: 'pdf', filter: {}, facts: [], expect: 300, countedAt: 1_000 });
    await asked[0]?.run({ typed: 'pdf', input: 'pfd' });
    expect(asked[1]).toMatchObject({
      title: 'Move 300 dead messages to a new queue?',
      facts: [['New queue', 'pfd']],
      confirm: 'Move to the new queue',
    });
    expect(asked[1]?.text).toMatch(/^No queue of this name is known/);
    expect(startBulk).toHaveBeenCalledTimes(1);
    await asked[1]?.run({ typed: '', input: '' });
    expect(startBulk.mock.calls[1]?.[0]).toMatchObject({ expect: 300, to: 'pfd', create: true, confirm: 'pdf' });
  });

  it('shows any other refusal in the dialog', async () => {
    const { askForBulk } = await load('actions/bulk-actions');
    const { ApiError } = await load('api/client');
    startBulk.mockReset().mockRejectedValueOnce(new ApiError(400, { code: 'REQUEST_INVALID', message: 'queue name' }));
    asked.length = 0;
    askForBulk('move', { queue: 'pdf', filter: {}, facts: [], expect: 3, countedAt: 1_000 });
    await expect(asked[0]?.run({ typed: '', input: 'a b' })).rejects.toThrow('queue name');
    expect(asked).toHaveLength(1);
  });
});
