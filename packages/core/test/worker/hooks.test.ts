import { describe, expect, it } from 'vitest';
import { Hooks } from '../../src/worker/hooks.ts';

function noting(calls: string[], failing?: string): Hooks {
  const hooks = new Hooks();
  for (const name of ['first', 'second', 'third']) {
    const hook = async () => {
      await Promise.resolve();
      calls.push(name);
      if (name === failing) throw new Error(name);
    };
    hooks.onStart(hook);
    hooks.onStop(hook);
  }
  return hooks;
}

describe('hooks', () => {
  it('of the start are awaited in their order, and the first that fails ends it', async () => {
    const calls: string[] = [];
    await noting(calls).start();
    expect(calls).toEqual(['first', 'second', 'third']);
    await expect(noting(calls, 'second').start()).rejects.toThrow('second');
    expect(calls.slice(3)).toEqual(['first', 'second']);
  });

  it('of the stop are awaited in reverse order, every one of them, and what they throw is reported', async () => {
    const calls: string[] = [];
    const reported: unknown[] = [];
    await noting(calls, 'second').stop((error) => reported.push(error));
    expect(calls).toEqual(['third', 'second', 'first']);
    expect(reported).toEqual([new Error('second')]);
  });
});
