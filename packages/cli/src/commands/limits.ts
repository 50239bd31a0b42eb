import type { LimitStore, LimitUsage, RuleOptions } from '@brokkr/core/adapter';
import { checkLimit } from '../app/check-limit.ts';
import { applicationLimits } from '../app/known-app.ts';
import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { print, printable, printJson } from '../output.ts';
import { Frames } from '../terminal/frames.ts';
import { span } from '../terminal/spans.ts';
import { table } from '../terminal/table.ts';
import { watch } from '../terminal/watch.ts';

export interface LimitsOptions {
  readonly broker?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

export interface LimitSetOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly rate?: number;
  readonly per?: string;
  readonly burst?: number;
  readonly concurrency?: number;
  readonly reset: boolean;
}

const HEAD = ['limit', 'key', 'held', 'waiting', 'paused', 'set at run time'];

/** Lists what limits hold now; with `watch` every second, until a signal stops it or no program reads the output. */
export async function limitsCommand({ broker: url, json, watch: watches }: LimitsOptions): Promise<void> {
  const frames = new Frames();
  let shown = '';
  await withBroker(url, 'brokkr limits', async (opened) => {
    const store = await storeOf(opened);
    const look = async () => {
      const usage = await store.usage();
      const set = await rulesOf(opened, usage);
      if (json) return printJson(usage.map((each) => ({ ...each, set: set.get(each.limit) })));
      shown = asTable(usage, set);
      frames.show(shown);
    };
    const onError = (reason: string) => {
      if (json) process.stderr.write(`error: ${reason}\n`);
      else frames.show(shown, `trying again: ${reason}`);
    };
    await (watches ? watch(look, onError) : look());
  });
}

/**
 * Sets the rule of a limit for all workers, over that of the code, or lets the code apply again. Prints what applies.
 *
 * @throws UsageError for a limit that is unknown
 */
export async function limitSetCommand(name: string, options: LimitSetOptions): Promise<void> {
  const { app, broker: url, rate, per, burst, concurrency, reset } = options;
  const isSet = (rate ?? concurrency) !== undefined;
  if (isSet === reset)
    throw new UsageError('brokkr limits set: give --rate or --concurrency, or --reset for the rule of the code');
  await withBroker(url, 'brokkr limits set', async (opened) => {
    const limit = opened.manager.limits();
    // A misspelled name would limit nothing, and report success.
    await checkLimit(opened, await storeOf(opened), name, () => applicationLimits(app));
    if (reset) await limit.reset(name);
    else await limit.set(name, { rate, per, burst, concurrency });
    print(
      `${printable(name)} ${reset ? 'follows the code' : `is set to ${ruleText({ rate, per, burst, concurrency })}`}`,
    );
  });
}

function storeOf({ manager }: OpenedBroker): Promise<LimitStore> {
  return manager.limits().store();
}

/** The rules that were set at run time, as text by limit. */
async function rulesOf(opened: OpenedBroker, usage: readonly LimitUsage[]): Promise<ReadonlyMap<string, string>> {
  const limits = opened.manager.limits();
  const names = [...new Set(usage.map(({ limit }) => limit))];
  const set = await Promise.all(names.map((name) => limits.setOptions(name)));
  return new Map(
    names.flatMap((name, index) => {
      const options = set[index];
      return options === undefined ? [] : [[name, ruleText(options)] as const];
    }),
  );
}

function ruleText({ rate, per, burst, concurrency }: RuleOptions): string {
  if (concurrency !== undefined) return `concurrency ${concurrency}`;
  return `${rate} per ${per ?? '1s'}${burst === undefined ? '' : `, burst ${burst}`}`;
}

function asTable(usage: readonly LimitUsage[], set: ReadonlyMap<string, string>): string {
  if (usage.length === 0) return 'no limit was used in the last 24 h';
  const rows = usage.map(({ limit, key, held, waiting, pausedMs }) => [
    limit,
    key,
    held,
    waiting,
    pausedMs === 0 ? '' : span(pausedMs),
    set.get(limit) ?? '',
  ]);
  return table(HEAD, rows);
}
