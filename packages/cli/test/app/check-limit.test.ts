import type { TaskManager } from '@brokkr/core';
import * as adapter from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { checkLimit } from '../../src/app/check-limit.ts';
import { unknownName } from '../../src/app/unknown-name.ts';
import { UsageError } from '../../src/exit.ts';

interface Known {
  /** Limits whose keys were used lately. */
  readonly used?: readonly string[];
  /** Limits with a rule that was set at run time. */
  readonly set?: readonly string[];
  /** Limits of the application, if there is one. */
  readonly defined?: readonly string[];
  /** Queues of the application and of the broker. */
  readonly queues?: readonly string[];
}

/** The error about a limit; `undefined` if it is accepted. */
async function refusal(
  name: string,
  { used = [], set = [], defined = [], queues = [] }: Known,
): Promise<string | undefined> {
  const setOptions = async (limit: string) => (set.includes(limit) ? { rate: 1 } : undefined);
  const manager = { limits: () => ({ setOptions }) } as unknown as TaskManager;
  const usage = async () => used.map((limit) => ({ limit, key: '', held: 0, waiting: 0, pausedMs: 0 }));
  try {
    await checkLimit({ adapter, manager }, { usage }, name, {
      ofApplication: async () => defined,
      checkQueue: async (queue) => {
        if (!queues.includes(queue)) throw new UsageError(unknownName(adapter, 'queue', queue, queues));
      },
    });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a limit that is set by its name', () => {
  it('is refused with the nearest name if the application does not define it', async () => {
    const defined = ['stripe', 'queue:emails'];
    expect(await refusal('strpe', { defined })).toBe('unknown limit strpe; did you mean stripe?');
    expect(await refusal('queue:email', { defined })).toBe('unknown limit queue:email; did you mean queue:emails?');
    expect(await refusal('stripe', { defined })).toBeUndefined();
  });

  it('is refused without an application if other limits were used', async () => {
    expect(await refusal('strpe', { used: ['stripe', 'stripe'] })).toBe(
      'unknown limit strpe; did you mean stripe? (if an application defines it, give --app)',
    );
  });

  it('is accepted if it was used, if a rule is set for it, and if nothing is known', async () => {
    expect(await refusal('old', { used: ['old'], defined: ['stripe'] })).toBeUndefined();
    expect(await refusal('typo', { set: ['typo'], used: ['stripe'], defined: ['stripe'] })).toBeUndefined();
    expect(await refusal('any', {})).toBeUndefined();
  });

  it('is refused if it is that of a queue, and no queue has this name, although no limit is known', async () => {
    expect(await refusal('queue:emials', { queues: ['emails'] })).toBe('unknown queue emials; did you mean emails?');
    expect(await refusal('queue:emails', { queues: ['emails'] })).toBeUndefined();
  });

  it('is accepted without an application if the store does not list every limit', async () => {
    const used = Array.from({ length: 500 }, () => 'customer');
    expect(await refusal('stripe', { used })).toBeUndefined();
  });
});
