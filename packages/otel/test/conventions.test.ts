import * as published from '@opentelemetry/semantic-conventions/incubating';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTES, CONVENTIONS_VERSION, METRICS, OPERATION_TYPES, OTHER_ERROR } from '../src/conventions.ts';

describe('the pinned names', () => {
  const names = new Set<string>(Object.values(published).filter((value) => typeof value === 'string'));

  it('are those of the published conventions of the pinned version', () => {
    const entry = createRequire(import.meta.url).resolve('@opentelemetry/semantic-conventions');
    const { version } = JSON.parse(readFileSync(join(entry, '..', '..', 'package.json'), 'utf8'));
    expect(version).toBe(CONVENTIONS_VERSION);
    const pinned = [
      ...Object.values(ATTRIBUTES),
      ...Object.values(METRICS),
      ...Object.values(OPERATION_TYPES),
      OTHER_ERROR,
    ];
    expect(pinned.filter((name) => !names.has(name))).toEqual([]);
  });
});
