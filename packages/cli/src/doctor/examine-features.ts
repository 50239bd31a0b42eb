import type { Broker, TaskConfig } from '@brokkr/core';
import type { Feature } from '@brokkr/core/adapter';
import type { Check } from './check.ts';

/** Columns before the message of a line. */
const INDENT = 22;

/** Lists which features work on a broker and the stores beside it, without a connection. */
export async function examineFeatures(broker: Broker, { storeUrl, resultUrl }: TaskConfig): Promise<Check> {
  const { FEATURES, FEATURE_NAMES, featuresOf } = await import('@brokkr/core/adapter');
  const has: Record<string, boolean> = { ...featuresOf(broker) };
  for (const name of FEATURE_NAMES) {
    const { part }: Feature = FEATURES[name];
    // A store serves the parts that the broker lacks. Whether it can is checked when a task needs it.
    if (part !== undefined && (storeUrl !== undefined || (part === 'results' && resultUrl !== undefined)))
      has[name] = true;
  }
  const missing = FEATURE_NAMES.filter((name) => !has[name]);
  const all = FEATURE_NAMES.length;
  const lines = [
    missing.length === 0
      ? 'every feature works on this broker'
      : `${all - missing.length} of ${all} features work on this broker`,
    ...missing.map((name) => `not ${name} (${FEATURES[name].description}): ${FEATURES[name].remedy}`),
  ];
  return { about: 'features', severity: 'ok', message: lines.join(`\n${' '.repeat(INDENT)}`), features: has };
}
