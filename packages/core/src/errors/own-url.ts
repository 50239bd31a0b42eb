import { pathToFileURL } from 'node:url';

/** URL of the file that this package runs from: its own, or that of a bundle. */
export const ownUrl: string = fromBundle(import.meta.url);

/** A bundler that writes CommonJS leaves `import.meta` empty. */
function fromBundle(url: string | undefined): string {
  return url ?? pathToFileURL(__filename).href;
}
