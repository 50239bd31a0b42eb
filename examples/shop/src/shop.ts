import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Addresses and folders that the tasks use; a real application has them in its settings. */
export interface Shop {
  /** Port of the mail server on this machine. */
  smtpPort: number;
  /** Folder for reports and records. */
  folder: string;
}

export const shop: Shop = { smtpPort: 0, folder: join(process.cwd(), 'out') };

/** Returns a path in the shop's folder, which is created if it does not exist. */
export function inFolder(name: string): string {
  mkdirSync(shop.folder, { recursive: true });
  return join(shop.folder, name);
}
