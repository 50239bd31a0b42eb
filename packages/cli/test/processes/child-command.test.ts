import { expect, it } from 'vitest';
import { childCommand, takeSupervisorBroker } from '../../src/processes/child-command.ts';

const URL_WITH_PASSWORD = 'redis://:hunter2@127.0.0.1:6379';

it('a worker process gets the broker of its supervisor by its environment, not by its arguments', () => {
  const { args, env } = childCommand('tasks.ts', { queues: 'emails', concurrency: 2, broker: URL_WITH_PASSWORD });
  expect(args).toEqual(['--app', 'tasks.ts', '--queues', 'emails', '--concurrency', '2']);
  const inherited = { ...env, PATH: '/bin' };
  expect(takeSupervisorBroker(inherited)).toBe(URL_WITH_PASSWORD);
  expect(inherited).toEqual({ PATH: '/bin' });
});

it('a worker process without --broker uses its own settings', () => {
  const { env } = childCommand('tasks.ts', {});
  expect(env).toEqual({});
  expect(takeSupervisorBroker({ ...env })).toBeUndefined();
});
