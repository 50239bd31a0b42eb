import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A module that has not loaded by then is told of: it may wait for ever. */
const SLOW_MS = 10_000;

/**
 * Loads a module, TypeScript as it is.
 * @throws what it throws; an error where it waits for something, and nothing is left that could happen
 */
export async function importModule(path: string): Promise<void> {
  const slow = setTimeout(() => {
    process.stderr.write(`warning: ${path} is still loading after 10 s; does it await something that never comes?\n`);
  }, SLOW_MS).unref();
  let giveUp: () => void = () => undefined;
  const stuck = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error('a top-level await waits for something that can never come'));
    process.once('beforeExit', giveUp);
  });
  try {
    await Promise.race([load(path), stuck]);
  } finally {
    clearTimeout(slow);
    process.off('beforeExit', giveUp);
  }
}

/** Node 20 cannot load TypeScript; later versions can load most of it, and are asked first. */
async function load(path: string): Promise<void> {
  if (!['.ts', '.mts', '.cts'].includes(extname(path))) {
    await import(pathToFileURL(path).href);
    return;
  }
  const { createJiti } = await import('jiti');
  // jiti compiles what TypeScript loads by require(). A compiled copy of our packages is a second one, without the tasks.
  await createJiti(import.meta.url, { tryNative: true, nativeModules: ['@brokkr'] }).import(path);
}
