import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js'], { cwd: folder, env });
  return [...stdout.matchAll(/│ ([a-z ]+?) +│ (\d+) +│/g)].map(([, what, count]) => `${what} ${count}`);
}

export const expectedRows = readFileSync(join(folder, 'expected.txt'), 'utf8').trim().split('\n');
