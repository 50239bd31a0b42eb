import type { Broker } from '@brokkr/core';
import type { Ability } from '../api/types.ts';

/** What a broker can do for the dashboard: `true`, or why not, for people. */
export function abilitiesOf(
  broker: Broker,
  kind: string,
  hasSchedules: boolean,
): Readonly<Record<Ability, true | string>> {
  const name = kind === 'rabbitmq' ? 'RabbitMQ' : 'This broker';
  const { inspector, messages, states, signals, workers, capabilities } = broker;
  const isFree = inspector?.browsing === 'free';
  const given = (is: boolean, reason: string): true | string => (is ? true : reason);
  const byId = `${name} cannot find messages by their ids.`;
  return {
    browse: given(isFree, `${name} can only deliver messages: a look takes them from the front and gives them back.`),
    find: given(messages !== undefined, byId),
    cancel: given(messages !== undefined, byId),
    cancelRunning: given(signals !== undefined, `${name} cannot send signals to workers.`),
    promote: given(messages !== undefined, byId),
    pause: given(states !== undefined, `${name} keeps no state, so a pause would be forgotten.`),
    workers: given(workers !== undefined, `${name} has no reports of workers.`),
    quiet: given(signals !== undefined, `${name} cannot send signals to workers.`),
    countRunning: given(
      capabilities.counts === 'exact',
      `${name} does not count running messages: the figure is the sum of reports.`,
    ),
    oldest: given(isFree, `${name} cannot look at the oldest message without taking it.`),
    schedules: given(hasSchedules, 'This dashboard was given no scheduler.'),
  };
}
