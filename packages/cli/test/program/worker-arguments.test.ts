import { afterEach, expect, it, vi } from 'vitest';
import { makeProgram } from '../../src/program.ts';

afterEach(() => vi.restoreAllMocks());

/** What the command prints before it ends with an error. */
async function errorOf(...args: readonly string[]): Promise<string> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(makeProgram(() => undefined).parseAsync(args, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 });
  return write.mock.calls.map(([text]) => String(text)).join('');
}

it('worker with a command of workers names the right command', async () => {
  expect(await errorOf('worker', 'quiet', 'solo')).toBe('error: use brokkr workers quiet solo\n');
  vi.restoreAllMocks();
  expect(await errorOf('worker', 'resume')).toBe('error: use brokkr workers resume <ids...>\n');
});

it('worker with another argument is refused, with the option that names queues', async () => {
  expect(await errorOf('worker', 'emails')).toBe(
    "error: too many arguments for 'worker'. Expected 0 arguments but got 1; -q names queues\n",
  );
});
