import type { Broker } from '../broker/broker.ts';
import { FEATURES } from '../broker/features.ts';
import type { ResultStore } from '../broker/result-store.ts';
import { checkDemands } from '../broker/task-demands.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import { noResultStore } from '../result/no-result-store.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

export interface FeatureNeeds {
  readonly broker: Broker;
  readonly config: TaskConfig;
  /** Every task of the manager. */
  readonly tasks: readonly TaskDefinition[];
  readonly resultStore: () => Promise<ResultStore | undefined>;
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
  const { broker, config } = needs;
  const problems: string[] = [];
  for (const name of config.requires) {
    const { description, remedy, isIn } = FEATURES[name];
    const isThere = name === 'results' ? await keepsResults(needs) : isIn(broker);
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

async function keepsResults({ resultStore }: FeatureNeeds): Promise<boolean> {
  try {
    return (await resultStore()) !== undefined;
  } catch (error) {
    if (error instanceof UnsupportedFeatureError) return false;
    throw error;
  }
}
