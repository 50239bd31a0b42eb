import type { TaskRef } from '@brokkr/core/adapter';
import { expect } from 'vitest';
import type { TestApp } from './test-app.ts';

declare module 'vitest' {
  // The parameter's name and default must be vitest's own for the declarations to merge.
  // biome-ignore lint/suspicious/noExplicitAny: vitest declares it so
  interface Matchers<T = any> {
    /** Expects that the app sent the task: with `args` if they are given, else with any arguments. */
    toHaveSent<A extends readonly unknown[]>(task: TaskRef<A, unknown>, args?: NoInfer<A>): T;
  }
}

expect.extend({
  toHaveSent(app: TestApp, task: TaskRef<readonly unknown[], unknown>, args?: readonly unknown[]) {
    const sent = app.sent(task);
    const pass = args === undefined ? sent.length > 0 : sent.some((given) => this.equals(given, args));
    const wanted = args === undefined ? '' : ` with ${this.utils.printExpected(args)}`;
    return {
      pass,
      message: () =>
        `expected ${task.taskName}${this.isNot ? ' not' : ''} to have been sent${wanted}\nsent: ${this.utils.printReceived(sent)}`,
      actual: sent,
      expected: args,
    };
  },
});
