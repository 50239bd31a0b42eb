import { UsageError } from '../exit.ts';

/**
 * `emails:3,default` as weights by name; a queue without one weighs 1.
 * @throws UsageError for an empty name or a weight that is no number over 0
 */
export function parseQueues(text: string): Readonly<Record<string, number>> {
  const weights = text.split(',').map((part): [string, number] => {
    const [, name, weight] = /^([^:]+)(?::(\d+(?:\.\d+)?))?$/.exec(part.trim()) ?? [];
    if (name !== undefined && weight !== '0') return [name, Number(weight ?? 1)];
    throw new UsageError(
      `-q ${JSON.stringify(text)}: names separated by commas, each with a weight if wanted, as in emails:3,default`,
    );
  });
  return Object.fromEntries(weights);
}
