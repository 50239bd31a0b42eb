import type { HealthReason, WorkerHealth } from '../worker/worker.ts';
import { CONTENT_TYPES, type MetricsFormat } from './write-metrics.ts';

export interface MonitorRequest {
  readonly method: string;
  /** Path, with or without a query. */
  readonly path: string;
  /** The `Accept` header. */
  readonly accept?: string | undefined;
}

export interface MonitorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a monitor answers from. Paths whose source is left out do not exist. */
export interface MonitorSource {
  readonly metrics?: ((format: MetricsFormat) => string | Promise<string>) | undefined;
  readonly health?: (() => WorkerHealth | Promise<WorkerHealth>) | undefined;
}

const HEALTH_PATHS: Readonly<Record<string, keyof WorkerHealth>> = {
  '/livez': 'live',
  '/readyz': 'ready',
  '/startupz': 'started',
};

/**
 * Answers `GET /metrics`, `/livez`, `/readyz` and `/startupz`, for any HTTP server.
 *
 * @example
 * app.get('/readyz', async (req, res) => {
 *   const { status, headers, body } = await monitor({ method: 'GET', path: '/readyz' }, { health: () => worker.health() });
 *   res.writeHead(status, headers).end(body);
 * });
 */
export async function monitor(request: MonitorRequest, source: MonitorSource): Promise<MonitorResponse> {
  const path = request.path.split('?', 1)[0] as string;
  const known = knownPaths(source);
  if (!known.includes(path)) return text(404, `no such path; known are ${known.join(', ')}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...text(405, 'only GET and HEAD\n'), headers: { ...PLAIN, allow: 'GET, HEAD' } };
  }
  try {
    if (path === '/metrics' && source.metrics !== undefined) {
      const format = wantedFormat(request.accept);
      const headers = { 'content-type': CONTENT_TYPES[format], 'cache-control': 'no-store' };
      return { status: 200, headers, body: await source.metrics(format) };
    }
    const health = await source.health?.();
    return probeAnswer(health?.[HEALTH_PATHS[path] as keyof WorkerHealth] ?? []);
  } catch {
    // The message of an error may hold secrets.
    return text(500, 'an internal error\n');
  }
}

function knownPaths({ metrics, health }: MonitorSource): readonly string[] {
  return [...(metrics === undefined ? [] : ['/metrics']), ...(health === undefined ? [] : Object.keys(HEALTH_PATHS))];
}

function probeAnswer(reasons: readonly HealthReason[]): MonitorResponse {
  const ok = reasons.length === 0;
  return {
    status: ok ? 200 : 503,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify({ ok, reasons })}\n`,
  };
}

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' } as const;

function text(status: number, body: string): MonitorResponse {
  return { status, headers: PLAIN, body };
}

/** OpenMetrics only if the client names it: Prometheus does, with a quality for each format. */
function wantedFormat(accept = ''): MetricsFormat {
  const quality = (type: string) => {
    const entry = accept
      .toLowerCase()
      .split(',')
      .find((each) => each.trim().startsWith(type));
    if (entry === undefined) return 0;
    const q = Number(/;\s*q=([^;\s]+)/.exec(entry)?.[1] ?? 1);
    return Number.isNaN(q) ? 0 : q;
  };
  const openmetrics = quality('application/openmetrics-text');
  return openmetrics > 0 && openmetrics >= quality('text/plain') ? 'openmetrics' : 'text';
}
