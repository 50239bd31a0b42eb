import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the tasks work with: addresses and folders, as a real application has them in its settings. */
export interface Shop {
  /** Port of the mail server on this machine. */
  smtpPort: number;
  /** Where reports and records are written. */
  folder: string;
}

export const shop: Shop = { smtpPort: 0, folder: join(process.cwd(), 'out') };

/** A path in the shop's folder, which is made if it is not there. */
export function inFolder(name: string): string {
  mkdirSync(shop.folder, { recursive: true });
  return join(shop.folder, name);
}
