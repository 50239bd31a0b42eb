import { writeFile } from 'node:fs/promises';
import { inFolder } from '../shop.ts';
import { tm } from './manager.ts';

/** A search index takes many documents in one request: up to 50 messages run in one call. */
export const indexProduct = tm.batchTask(
  { name: 'indexProduct', queueName: 'default', batch: { size: 50, timeout: '200ms' }, maxRetries: 1 },
  async (products: readonly string[], batch): Promise<void> => {
    for (const [at, product] of products.entries()) {
      // Only this message fails: the others of the batch succeed.
      if (product === '') batch.fail(at, new Error('a product needs a name'));
      else await writeFile(inFolder(`product-${product}.json`), JSON.stringify({ product }));
    }
  },
);
