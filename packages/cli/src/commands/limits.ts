import type { LimitStore, LimitUsage, RuleOptions } from '@brokkr/core/adapter';
import { checkLimit } from '../app/check-limit.ts';
import { checkQueues } from '../app/check-queues.ts';
import { applicationLimits } from '../app/known-app.ts';
import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { describe } from '../explain.ts';
import { print, printable, printJson } from '../output.ts';
import { Frames } from '../terminal/frames.ts';
import { span } from '../terminal/spans.ts';
import { table } from '../terminal/table.ts';
import { watch } from '../terminal/watch.ts';

export interface LimitsOptions {
  readonly app?: string;
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

/** A broker does not list the rules that were set: one for a name that is not known is easily forgotten. */
const UNKNOWN_NOTE =
  'no message has used this limit and no application was found that defines it: brokkr limits lists it after the first message, or with --app';

/** Lists what limits hold now, and the rules that were set at run time; with `watch` every second, until a signal stops it or no program reads the output. */
export async function limitsCommand({ app, broker: url, json, watch: watches }: LimitsOptions): Promise<void> {
  const frames = new Frames();
  let shown = '';
  await withBroker(url, 'brokkr limits', async (opened) => {
    const store = await storeOf(opened);
    const defined = await definedLimits(app);
    const look = async () => {
      const used = await store.usage();
      const set = await rulesOf(opened, [...used.map(({ limit }) => limit), ...defined]);
      const usage = [...used, ...unusedLimits(used, set)];
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
    const isKnown = await checkLimit(opened, await storeOf(opened), name, {
      ofApplication: () => applicationLimits(app),
      checkQueue: (queue) => checkQueues(opened, [queue], app),
    });
    if (reset) await limit.reset(name);
    else await limit.set(name, { rate, per, burst, concurrency });
    print(
      `${printable(name)} ${reset ? 'follows the code' : `is set to ${ruleText({ rate, per, burst, concurrency })}`}`,
    );
    if (!isKnown && !reset) print(UNKNOWN_NOTE);
  });
}

function storeOf({ manager }: OpenedBroker): Promise<LimitStore> {
  return manager.limits().store();
}

/**
 * The limits that the application defines: a broker does not list the rules that were set, so those of unused limits are
 * found by these names. An application that was not named, and does not load, is reported and left out.
 */
async function definedLimits(app: string | undefined): Promise<readonly string[]> {
  try {
    return await applicationLimits(app);
  } catch (error) {
    if (app !== undefined) throw error;
    process.stderr.write(
      `warning: ${printable(describe(error as Error))}; rules that were set for limits that no message used are not shown\n`,
    );
    return [];
  }
}

/** The rules that were set at run time, as text by limit. */
async function rulesOf(opened: OpenedBroker, limitNames: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const limits = opened.manager.limits();
  const names = [...new Set(limitNames)];
  const set = await Promise.all(names.map((name) => limits.setOptions(name)));
  return new Map(
    names.flatMap((name, index) => {
      const options = set[index];
      return options === undefined ? [] : [[name, ruleText(options)] as const];
    }),
  );
}

/** Limits with a rule that was set at run time and that no message has used lately. */
export function unusedLimits(used: readonly LimitUsage[], set: ReadonlyMap<string, string>): readonly LimitUsage[] {
  const names = new Set(used.map(({ limit }) => limit));
  return [...set.keys()]
    .filter((name) => !names.has(name))
    .map((limit) => ({ limit, key: '', held: 0, waiting: 0, pausedMs: 0 }));
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
