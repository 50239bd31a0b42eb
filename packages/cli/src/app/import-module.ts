import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A module that takes longer to load gets a warning: it may wait forever. */
const SLOW_MS = 10_000;

/**
 * Loads a module, also one in TypeScript.
 *
 * @throws the module's own error; an Error if it awaits something that can never happen
 */
export async function importModule(path: string): Promise<void> {
  const slow = setTimeout(() => {
    process.stderr.write(`warning: ${path} is still loading after 10 s; does it await something that never happens?\n`);
  }, SLOW_MS).unref();
  let giveUp: () => void = () => undefined;
  const stuck = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error('a top-level await waits for something that can never happen'));
    process.once('beforeExit', giveUp);
  });
  try {
    await Promise.race([load(path), stuck]);
  } finally {
    clearTimeout(slow);
    process.off('beforeExit', giveUp);
  }
}

/**
 * Node 20 cannot load TypeScript. Later versions can load most of it and are tried first. The `paths` of the tsconfig.json
 * beside or above the module are followed.
 */
async function load(path: string): Promise<void> {
  if (!['.ts', '.mts', '.cts'].includes(extname(path))) {
    await import(pathToFileURL(path).href);
    return;
  }
  const { createJiti } = await import('jiti');
  // jiti compiles what TypeScript loads by require(). A compiled copy of our packages is a second one, without the tasks.
  const jiti = createJiti(pathToFileURL(path).href, {
    tryNative: true,
    tsconfigPaths: true,
    nativeModules: ['@brokkr'],
  });
  await jiti.import(path);
}
