import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './support/sources.ts';

const entries = {
  '@brokkr/core': () => import('@brokkr/core'),
  '@brokkr/core/inversify': () => import('@brokkr/core/inversify'),
  '@brokkr/core/adapter': () => import('@brokkr/core/adapter'),
  '@brokkr/core/metrics': () => import('@brokkr/core/metrics'),
  '@brokkr/core/failpoints': () => import('@brokkr/core/failpoints'),
  '@brokkr/core/testing': () => import('@brokkr/core/testing'),
  '@brokkr/broker-memory': () => import('@brokkr/broker-memory'),
  '@brokkr/broker-amqp': () => import('@brokkr/broker-amqp'),
  '@brokkr/broker-redis': () => import('@brokkr/broker-redis'),
  '@brokkr/scheduler': () => import('@brokkr/scheduler'),
  '@brokkr/otel': () => import('@brokkr/otel'),
  '@brokkr/dashboard': () => import('@brokkr/dashboard'),
  '@brokkr/broker-memory/testing': () => import('@brokkr/broker-memory/testing'),
};

it.each(Object.entries(entries))('%s exports the same names as before: users notice a change here', async (_, load) => {
  const names = Object.keys(await load()).sort();
  expect(names).toMatchSnapshot();
});

it('the root entry of the core exports at most 65 names, types included', () => {
  const text = readFileSync(join(root, 'packages/core/src/index.ts'), 'utf8');
  const names = [...text.matchAll(/^export (?:type )?\{([^}]+)\}/gm)].flatMap(([, list = '']) =>
    list.split(',').filter((name) => name.trim() !== ''),
  );
  expect(names.length).toBeGreaterThan(40);
  expect(names.length).toBeLessThanOrEqual(65);
});
