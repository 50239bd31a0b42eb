import type { AccessRule, Action } from '@brokkr/dashboard';
import { closeManagers } from '../app/close-manager.ts';
import { EXIT } from '../exit.ts';
import { isLoopback } from '../monitoring/monitor-options.ts';
import { print, printable } from '../output.ts';
import { StopRequests } from '../processes/stop-requests.ts';
import { inTime } from '../deadline.ts';
import { type Credentials, credentialsOf, type DashboardCommandOptions, namedBrokers } from './dashboard-options.ts';
import { BoundedServer, type ServerBounds } from '../http/bounded-server.ts';
import { openShown } from './shown-brokers.ts';

const BOUNDS: ServerBounds = { headersMs: 10_000, requestMs: 30_000, connections: 500, headerBytes: 16_384 };
/** Live streams and batches of bulk jobs end sooner. */
const CLOSE_MS = 4_000;

/**
 * Serves the dashboard until it is stopped. Without a password it is on loopback only, and a random token in the printed
 * URL gives access.
 *
 * @returns the exit code
 * @throws UsageError if the port cannot be opened, or is open to the network without a password
 */
export async function dashboardCommand(options: DashboardCommandOptions): Promise<number> {
  const stopped = new AbortController();
  const requests = new StopRequests(() => stopped.abort());
  try {
    const credentials = await credentialsOf(options);
    const { managers, schedulers } = await openShown(namedBrokers(options.url), options.app);
    try {
      const { createDashboard } = await import('@brokkr/dashboard');
      const { access, path } = await accessOf(options, credentials);
      const dashboard = createDashboard({
        ...{ managers, schedulers, access, readOnly: options.readOnly, always: true, onAction: printAction },
        // A password keeps pages of other sites out by itself; then a proxy may pass on its own host.
        ...(credentials === undefined && { hosts: hostsOf(options) }),
      });
      try {
        const server = await BoundedServer.open(
          { what: 'the dashboard', port: options.port, host: options.host, option: '--port' },
          BOUNDS,
          dashboard.node,
        );
        print(describe(options, path));
        if (!stopped.signal.aborted) {
          await new Promise((resolve) => stopped.signal.addEventListener('abort', resolve, { once: true }));
        }
        await server.close();
      } finally {
        await inTime(dashboard.close(), CLOSE_MS);
      }
    } finally {
      await closeManagers(...Object.values(managers));
    }
  } finally {
    requests.close();
  }
  return EXIT.fine;
}

/** The rule of access, and the path of the page. */
async function accessOf(
  { port, payloads }: DashboardCommandOptions,
  credentials: Credentials | undefined,
): Promise<{ readonly access: AccessRule; readonly path: string }> {
  const { basicAuth, tokenLogin } = await import('@brokkr/dashboard');
  const rights = { level: 'operate', payloads } as const;
  if (credentials !== undefined) return { access: basicAuth({ ...credentials, can: rights }), path: '/' };
  const { access, token } = tokenLogin(String(port), { ...rights, who: 'local' });
  return { access, path: `/#t=${token}` };
}

/** Names by which this machine is reached on loopback. A page of another site that guesses the port has another one. */
function hostsOf({ port, host }: DashboardCommandOptions): readonly string[] {
  return ['127.0.0.1', 'localhost', '[::1]', bracketed(host)].map((name) => `${name}:${port}`);
}

function describe({ port, host }: DashboardCommandOptions, path: string): string {
  const url = `serving http://${bracketed(host)}:${port}${path}`;
  return isLoopback(host) ? url : `${url} to the network, without encryption: put a proxy with TLS in front of it`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function printAction({ who, what, broker, queue, target, count }: Action): void {
  const of = [broker, queue, target].filter((part) => part !== undefined).join(' ');
  print(printable(`${new Date().toISOString().slice(0, 19)}Z ${who}: ${what} ${of} (${count})`));
}
