import { expect, it } from 'vitest';
import { harmlessLine } from '../../src/logging/harmless-line.ts';

it('makes visible what a terminal would act on, and keeps the line breaks of stacks', () => {
  const hostile = 'a\n{"level":60}\u001b[2J\u2028\u0085\u0000';
  const line = harmlessLine(
    `${JSON.stringify({ msg: hostile, task: { name: hostile }, error: { stack: 'Error\n  at x\u001b' } })}\n`,
  );
  const { msg, task, error } = JSON.parse(line) as { msg: string; task: { name: string }; error: { stack: string } };
  expect(msg).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  expect(task.name).toBe(msg);
  expect(error.stack).toBe('Error\n  at x\\u001b');
  expect(line.endsWith('\n')).toBe(true);
});
