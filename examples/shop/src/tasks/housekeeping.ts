import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shop } from '../shop.ts';
import { tm } from './manager.ts';

const WEEK_MS = 7 * 86_400_000;

/** Deletes reports and letters that are older than a week. */
export const cleanUp = tm.conditionalTask({ queueName: 'default' }, async function cleanUp(): Promise<number> {
  const old = readdirSync(shop.folder)
    .map((name) => join(shop.folder, name))
    .filter((file) => Date.now() - statSync(file).mtimeMs > WEEK_MS);
  for (const file of old) rmSync(file);
  return old.length;
});

/** Counts the stock every few seconds. */
export const countStock = tm.conditionalTask({ queueName: 'default' }, async function countStock(): Promise<number> {
  return readdirSync(shop.folder).length;
});
