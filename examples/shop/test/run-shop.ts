import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const folder = join(import.meta.dirname, '..');

/**
 * Returns the rows of the summary that the built shop prints, on a broker on which no other test uses the namespace.
 */
export async function runShop(brokerUrl: string, namespace = 'brokkr'): Promise<string[]> {
  const env = {
    ...process.env,
    LOG_LEVEL: 'silent',
    TASK_BROKER_URL: brokerUrl,
    TASK_NAMESPACE: namespace,
    NODE_OPTIONS: '',
  };
  // The shop writes into `out` of its working directory: runs at the same time must not share it.
  const cwd = mkdtempSync(join(tmpdir(), 'shop-'));
  const main = join(folder, 'dist', 'main.js');
  const { stdout } = await promisify(execFile)(process.execPath, [main], { cwd, env }).finally(() =>
    rmSync(cwd, { recursive: true, force: true }),
  );
  return [...stdout.matchAll(/│ ([a-z ]+?) +│ (\d+) +│/g)].map(([, what, count]) => `${what} ${count}`);
}

export const expectedRows = readFileSync(join(folder, 'expected.txt'), 'utf8').trim().split('\n');
