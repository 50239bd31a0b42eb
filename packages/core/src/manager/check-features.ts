import type { Broker } from '../broker/broker.ts';
import { type Feature, FEATURES } from '../broker/features.ts';
import { checkDemands } from '../broker/task-demands.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import { noResultStore } from '../result/no-result-store.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { Stores } from './stores.ts';

export interface FeatureNeeds {
  readonly broker: Broker;
  readonly config: TaskConfig;
  /** Every task of the manager. */
  readonly tasks: readonly TaskDefinition[];
  readonly stores: Pick<Stores, 'open' | 'openResults'>;
}

/**
 * Checks that the broker can do everything that `requires` names, and that the options of the tasks need.
 * @throws ConfigError (`FEATURES_MISSING`) with a line for each problem, and what to do about it
 */
export async function checkFeatures(needs: FeatureNeeds): Promise<void> {
  const problems = [...(await missingFeatures(needs)), ...(await unservedTasks(needs))];
  if (problems.length === 0) return;
  const lines = [...new Set(problems)].map((problem) => `  ${problem}`);
  throw new ConfigError(`this broker cannot do everything that the application needs:\n${lines.join('\n')}`, {
    code: 'FEATURES_MISSING',
  });
}

async function missingFeatures(needs: FeatureNeeds): Promise<readonly string[]> {
  const { broker, config, stores } = needs;
  const problems: string[] = [];
  for (const name of config.requires) {
    const { description, remedy, isIn, part }: Feature = FEATURES[name];
    const isThere =
      part === 'results'
        ? await keepsResults(needs)
        : isIn(broker) || (part !== undefined && (await stores.open(part)) !== undefined);
    if (!isThere) problems.push(`${name} (${description}): ${remedy}`);
  }
  return problems;
}

async function unservedTasks(needs: FeatureNeeds): Promise<readonly string[]> {
  const { broker, config, tasks } = needs;
  const problems: string[] = [];
  for (const { name, timeoutMs, maxRetries, resultTtlMs } of tasks) {
    try {
      checkDemands(broker.capabilities, name, timeoutMs ?? config.timeoutMs, maxRetries ?? config.maxRetries);
    } catch (error) {
      if (!BrokkrError.is(error)) throw error;
      problems.push(error.message);
    }
    if (resultTtlMs !== undefined && !(await keepsResults(needs))) problems.push(noResultStore(name).message);
  }
  return problems;
}

async function keepsResults({ stores }: FeatureNeeds): Promise<boolean> {
  try {
    return (await stores.openResults()) !== undefined;
  } catch (error) {
    if (error instanceof UnsupportedFeatureError) return false;
    throw error;
  }
}
