import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The file system in memory that Linux offers to every program. */
const MEMORY = '/dev/shm';
const NEEDED_BYTES = 4 * 1024 ** 3;

/**
 * Makes an empty folder for the data of a test server: in memory if there is room, so that no test waits for a disk that
 * other programs keep busy. Files there outlive a killed server, as they do on a disk.
 */
export function serverFolder(name: string, { onDisk = false }: { readonly onDisk?: boolean | undefined } = {}): string {
  return mkdtempSync(join(!onDisk && hasRoom() ? MEMORY : tmpdir(), `brokkr-${name}-`));
}

function hasRoom(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= NEEDED_BYTES;
}
