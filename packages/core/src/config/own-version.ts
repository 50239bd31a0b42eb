import { readFileSync } from 'node:fs';
import { ownUrl } from '../errors/own-url.ts';

const NAME = '@brokkr/core';

let version: string | undefined;

/** The version of this package; `unknown` inside a bundle of the application. */
export function ownVersion(): string {
  version ??= versionAbove(ownUrl) ?? 'unknown';
  return version;
}

/** The version in the nearest package.json of this package: beside the folder of the sources, or of the built files. */
function versionAbove(url: string): string | undefined {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(path, url), 'utf8')) as { name?: unknown; version?: unknown };
      if (manifest.name === NAME && typeof manifest.version === 'string') return manifest.version;
    } catch {
      // The file is elsewhere, or nowhere.
    }
  }
  return undefined;
}
