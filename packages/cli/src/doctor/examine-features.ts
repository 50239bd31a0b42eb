import type { Broker } from '@brokkr/core';
import type { Check } from './check.ts';

/** Columns before the message of a line. */
const INDENT = 22;

/**
 * Lists which features work on a broker, without a connection.
 *
 * @param hasResultStore whether a store beside the broker keeps results
 */
export async function examineFeatures(broker: Broker, hasResultStore: boolean): Promise<Check> {
  const { FEATURES, FEATURE_NAMES, featuresOf } = await import('@brokkr/core/adapter');
  const has = { ...featuresOf(broker), ...(hasResultStore && { results: true }) };
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
