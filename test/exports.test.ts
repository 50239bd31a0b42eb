import { expect, it } from 'vitest';

const entries = {
  '@brokkr/core': () => import('@brokkr/core'),
  '@brokkr/core/inversify': () => import('@brokkr/core/inversify'),
  '@brokkr/core/adapter': () => import('@brokkr/core/adapter'),
  '@brokkr/core/failpoints': () => import('@brokkr/core/failpoints'),
  '@brokkr/core/testing': () => import('@brokkr/core/testing'),
  '@brokkr/broker-memory': () => import('@brokkr/broker-memory'),
  '@brokkr/broker-amqp': () => import('@brokkr/broker-amqp'),
  '@brokkr/broker-redis': () => import('@brokkr/broker-redis'),
  '@brokkr/scheduler': () => import('@brokkr/scheduler'),
  '@brokkr/broker-memory/testing': () => import('@brokkr/broker-memory/testing'),
};

it.each(Object.entries(entries))('%s exports what it did: a change here is a change for users', async (_, load) => {
  const names = Object.keys(await load()).sort();
  expect(names).toMatchSnapshot();
  expect(names.length).toBeLessThanOrEqual(40);
});
