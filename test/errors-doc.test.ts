import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageSources, root } from './support/sources.ts';

it('docs/errors.md lists every error code, and no other', () => {
  const thrown = packageSources().flatMap(({ text }) =>
    [...text.matchAll(/(?:code: |code \?\? )'([A-Z_]{4,})'/g)].map(([, code]) => code),
  );
  const listed = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
    ([, code]) => code,
  );
  expect(listed.toSorted()).toEqual([...new Set(thrown)].sort());
});
