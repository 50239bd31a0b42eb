import type { Broker, TaskManager } from '@brokkr/core';
import { ConfigError, checkOptions } from '@brokkr/core/adapter';
import type { AccessRule } from './access/access-rule.ts';
import type { Redact } from './payload/redactor.ts';
import type { Action } from './routes/handled.ts';
import { BrokerSource, isManager } from './source/broker-source.ts';
import type { SchedulerLike } from './source/scheduler-like.ts';

/** What a dashboard shows, and to whom. */
export interface DashboardOptions {
  /** Managers whose brokers are shown: one, a list, or an object of names for the page. */
  readonly managers?: TaskManager | readonly TaskManager[] | Readonly<Record<string, TaskManager>> | undefined;
  /** Further brokers by name, such as those of `createBroker`. The caller closes them. */
  readonly brokers?: Readonly<Record<string, Broker>> | undefined;
  /** Schedulers whose jobs are shown. They belong to the first broker. */
  readonly schedulers?: SchedulerLike | readonly SchedulerLike[] | undefined;
  /** Who may see and change what; of several rules, the first one that gives access decides. There is no default. */
  readonly access: AccessRule | readonly AccessRule[];
  /** Whether all users may only look. @default false */
  readonly readOnly?: boolean | undefined;
  /** Hides more values of arguments than those with names such as `password` and `token`. */
  readonly redact?: Redact | undefined;
  /** Is called for each change that a user made. Each is a line of the log, too. */
  readonly onAction?: ((action: Action) => void) | undefined;
  /** Host names, with ports, that are answered: a guard of servers on loopback. @default all of them */
  readonly hosts?: readonly string[] | undefined;
  /** Whether samples are taken also while no page is open, so that the history has no gaps. @default false */
  readonly always?: boolean | undefined;
}

const NAME = /^[A-Za-z0-9._-]{1,60}$/;

/** @throws ConfigError (`DASHBOARD_INVALID`) for options that cannot work */
export function checkDashboardOptions(options: DashboardOptions): void {
  checkOptions(
    options,
    {
      managers: true,
      brokers: true,
      schedulers: true,
      access: true,
      readOnly: true,
      redact: true,
      onAction: true,
      hosts: true,
      always: true,
    },
    'createDashboard',
  );
  if (rulesOf(options).length === 0 || !rulesOf(options).every((rule) => typeof rule === 'function')) {
    throw invalid('access must be a rule such as basicAuth({ user, password }): a dashboard is not open to everybody');
  }
}

export function rulesOf({ access }: DashboardOptions): readonly AccessRule[] {
  if (access === undefined) return [];
  return Array.isArray(access) ? (access as readonly AccessRule[]) : [access as AccessRule];
}

/** The brokers of the options, by unique names. @throws ConfigError (`DASHBOARD_INVALID`) */
export function sourcesOf({ managers, brokers, schedulers = [] }: DashboardOptions): readonly BrokerSource[] {
  const named = [...namedManagers(managers), ...Object.entries(brokers ?? {})];
  if (named.length === 0) throw invalid('give managers or brokers to show');
  const jobs = Array.isArray(schedulers) ? (schedulers as readonly SchedulerLike[]) : [schedulers as SchedulerLike];
  const names = new Set<string>();
  return named.map(([name, of], index) => {
    if (!NAME.test(name))
      throw invalid(
        `the name of a broker has 1 to 60 characters of A-Z a-z 0-9 . _ -; got ${JSON.stringify(name.slice(0, 80))}`,
      );
    if (names.has(name)) throw invalid(`two brokers have the name ${name}; give them as an object with a name each`);
    names.add(name);
    return new BrokerSource(name, of, index === 0 ? jobs : []);
  });
}

function namedManagers(managers: DashboardOptions['managers']): readonly (readonly [string, TaskManager])[] {
  if (managers === undefined) return [];
  if (Array.isArray(managers)) return (managers as readonly TaskManager[]).map((manager) => [manager.name, manager]);
  if (isManager(managers)) return [[managers.name, managers]];
  return Object.entries(managers as Readonly<Record<string, TaskManager>>);
}

function invalid(problem: string): ConfigError {
  return new ConfigError(`createDashboard: ${problem}`, { code: 'DASHBOARD_INVALID' });
}
