import { type BrokerOptions, BrokerUnavailableError, type Finding, ServerClock } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import { nothingStored } from '../connection/amqp-errors.ts';
import type { Names } from '../topology/names.ts';
import { RESOLUTION_MS, serverTime } from './server-time.ts';

/** Clocks that differ by more are reported. */
const DIFFERENCE_MS = 5_000;

/** @param connection the one that publishes: an alarm blocks the connection of a process that reads the clock */
export function serverClock(connection: Connection, names: Names, logger: BrokerOptions['logger']): ServerClock {
  let isRefused = false;
  let isDifferent = false;
  return new ServerClock(async () => {
    try {
      const serverMs = await serverTime(connection, names);
      const [finding] = differenceOf(serverMs - Date.now());
      if (finding !== undefined && !isDifferent) logger?.warn({ code: finding.code }, finding.message);
      isDifferent = finding !== undefined;
      return serverMs;
    } catch (error) {
      if (error instanceof BrokerUnavailableError) throw connection.wasUp ? error : nothingStored(error);
      if (!isRefused) logger?.warn({ error }, 'the clock of RabbitMQ cannot be read: expiresIn is judged by this host');
      isRefused = true;
      return Date.now();
    }
  }, RESOLUTION_MS);
}

/** The problem of a host whose clock is wrong, if the server's clock was read. */
export function clockDifference({ aheadMs }: ServerClock): readonly Finding[] {
  return differenceOf(aheadMs);
}

function differenceOf(aheadMs: number): readonly Finding[] {
  if (Math.abs(aheadMs) <= DIFFERENCE_MS) return [];
  const message = `this host's clock and that of RabbitMQ differ by ${Math.round(Math.abs(aheadMs))} ms: an eta is taken by this host's clock, and expiresIn by that of RabbitMQ`;
  return [{ severity: 'warning', code: 'SERVER_CLOCK_DIFFERS', message }];
}
