import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { filesAreShort, noCycles } from '../../../../test/support/rules.ts';
import { root, sourceOf } from '../../../../test/support/sources.ts';

const folder = join(import.meta.dirname, '../../page/src');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => sourceOf(relative(root, join(folder, name)), readFileSync(join(folder, name), 'utf8')));

it('the sources of the page are short, and import each other without cycles', () => {
  expect(sources.length).toBeGreaterThan(60);
  expect(noCycles(sources)).toEqual([]);
  expect(filesAreShort(sources)).toEqual([]);
});

it('the page sets no style attribute and no markup, which the content security policy and hostile texts forbid', () => {
  const unsafe = /\bstyle=|dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|\beval\(|new Function\(/;
  expect(sources.filter(({ text }) => unsafe.test(text)).map(({ path }) => path)).toEqual([]);
});
