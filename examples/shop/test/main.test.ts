import { expect, it } from 'vitest';
import { expectedRows, runShop } from './run-shop.ts';

it('runs to its end on the memory broker and prints the outcomes', async () => {
  expect(await runShop('memory:')).toEqual(expectedRows);
}, 30_000);
