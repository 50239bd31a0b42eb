import type { Broker } from '@brokkr/core';

const KINDS: Readonly<Record<string, string>> = {
  redis: 'redis',
  rediss: 'redis',
  amqp: 'rabbitmq',
  amqps: 'rabbitmq',
  memory: 'memory',
};

/** The kind of a broker for people: by the scheme of its URL, if the broker can be what that says. */
export function kindOfBroker({ capabilities }: Broker, url: string | undefined): string {
  const scheme = /^([a-z][a-z0-9+.]{0,30})[+:]/i.exec(url ?? '')?.[1]?.toLowerCase() ?? '';
  const kind = KINDS[scheme] ?? (scheme === '' ? 'custom' : scheme);
  // A manager whose broker was given as an object still has the URL of the environment.
  return (kind === 'memory') === capabilities.persistent ? 'custom' : kind;
}
