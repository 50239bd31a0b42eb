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
  it('start hooks are awaited in order, and the first error ends the start', async () => {
    const calls: string[] = [];
    await noting(calls).start();
    expect(calls).toEqual(['first', 'second', 'third']);
    await expect(noting(calls, 'second').start()).rejects.toThrow('second');
    expect(calls.slice(3)).toEqual(['first', 'second']);
  });

  it('stop hooks are all awaited, in reverse order, and their errors are reported', async () => {
    const calls: string[] = [];
    const reported: unknown[] = [];
    await noting(calls, 'second').stop((error) => reported.push(error));
    expect(calls).toEqual(['third', 'second', 'first']);
    expect(reported).toEqual([new Error('second')]);
  });
});
