import type { Finding } from '@brokkr/core/adapter';
import type { Connection } from './connection.ts';

const OLDEST = [3, 10] as const;

/**
 * Checks what a server reports about itself when it is connected. @throws BrokerUnavailableError if it is unreachable
 */
export async function examineServer(connection: Connection): Promise<readonly Finding[]> {
  const { connection: socket } = await connection.ready();
  const { product, version } = socket.serverProperties as { product?: unknown; version?: unknown };
  const findings: Finding[] = [];
  if (product !== 'RabbitMQ') {
    findings.push({
      severity: 'warning',
      code: 'SERVER_UNKNOWN',
      message: `the server reports the name ${String(product)}; Brokkr is tested on RabbitMQ 3.10 and newer`,
    });
  } else if (isOlder(String(version))) {
    findings.push({
      severity: 'error',
      code: 'SERVER_TOO_OLD',
      message: `RabbitMQ ${String(version)} cannot dead-letter at least once, so delays could lose messages: use 3.10 or newer`,
    });
  }
  if (connection.isBlocked) {
    findings.push({
      severity: 'error',
      code: 'BROKER_BLOCKED',
      message:
        'an alarm for memory or disk is on: the server accepts no messages; let the workers catch up, or give it more memory or disk',
    });
  }
  return findings;
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}
