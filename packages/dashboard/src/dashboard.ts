import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { logger } from '@brokkr/core';
import { ConfigError, BrokerUnavailableError, BrokkrError } from '@brokkr/core/adapter';
import { userOf } from './access/user.ts';
import { ApiError } from './http/api-error.ts';
import { json, refusal } from './http/answers.ts';
import { checkNames, text } from './http/fields.ts';
import { answerNode, type NodeRequest } from './http/node-handler.ts';
import { PageFiles } from './http/page-files.ts';
import { readBody } from './http/read-body.ts';
import { apiPath, findRoute } from './http/router.ts';
import { checkSameOrigin, hostOfRequest } from './http/same-origin.ts';
import { LiveStreams } from './live/live-streams.ts';
import { checkDashboardOptions, type DashboardOptions, rulesOf, sourcesOf } from './options.ts';
import { Redactor } from './payload/redactor.ts';
import { ACTION_ROUTES } from './routes/action-routes.ts';
import { BULK_ROUTES } from './routes/bulk-routes.ts';
import type { Handled } from './routes/handled.ts';
import { LIST_ROUTES } from './routes/list-routes.ts';
import { MESSAGE_ROUTES } from './routes/message-routes.ts';
import { BrokerView } from './shown/broker-view.ts';
import { shownError } from './source/shown-error.ts';

const ROUTES = [...LIST_ROUTES, ...MESSAGE_ROUTES, ...ACTION_ROUTES, ...BULK_ROUTES];
/** Beside this file, also in `src`: the page is built into `dist`. */
const PACKAGE = join(import.meta.dirname, '..');

/** A dashboard that an application mounts. Both methods may be passed on as they are: they need no `this`. */
export interface Dashboard {
  /** Answers a web-standard request: Hono, Deno, Bun. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Answers a request of Node: Express, Nest, Fastify after `hijack`. */
  readonly node: (request: NodeRequest, response: ServerResponse) => void;
  /** Ends live streams, stops bulk jobs after the batch in progress, and looks no more. Brokers stay open. */
  readonly close: () => Promise<void>;
}

/**
 * Creates a dashboard: the page, and its HTTP API below `api/v1/`. It works under any path, behind proxies that strip
 * the path and behind those that do not. The brokers are looked at only while a page is open.
 *
 * @throws ConfigError (`DASHBOARD_INVALID`) without `access`, or without a broker to show
 * @example
 * const access = basicAuth({ user: 'ada', password });
 * const dashboard = createDashboard({ managers: tm, access });
 * app.use('/admin/tasks', dashboard.node);
 */
export function createDashboard(options: DashboardOptions): Dashboard {
  checkDashboardOptions(options);
  const now = Date.now;
  const { readOnly = false, always = false, hosts, onAction } = options;
  const rules = rulesOf(options);
  const views = new Map(sourcesOf(options).map((source) => [source.name, new BrokerView(source, { always, now })]));
  const streams = new LiveStreams();
  const files = new PageFiles(join(PACKAGE, 'dist', 'page'));
  const allowed = hosts === undefined ? undefined : new Set(hosts.map((host) => host.toLowerCase()));
  const common = {
    views,
    streams,
    redactor: new Redactor(options.redact),
    readOnly,
    startedAt: now(),
    version: versionOf(),
    now,
    note: noteWith(onAction),
  };

  const answer = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    if (allowed !== undefined && !allowed.has(hostOfRequest(request))) {
      throw new ApiError(
        421,
        'HOST_REFUSED',
        'this dashboard does not answer for this host; open the URL that it printed',
      );
    }
    const path = apiPath(pathname);
    if (path === undefined) {
      if (!rules.some((rule) => rule.servesPage === true)) await userOf(request, rules, readOnly);
      return files.answer(request, pathname);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') checkSameOrigin(request);
    if (path === 'login') return login(request);
    const user = await userOf(request, rules, readOnly);
    const { route, call } = findRoute(ROUTES, request, path, searchParams);
    const handled: Handled = { ...common, user };
    return route.handle(call, handled);
  };

  const login = async (request: Request): Promise<Response> => {
    const rule = rules.find((each) => each.login !== undefined);
    if (rule?.login === undefined || request.method !== 'POST') {
      throw new ApiError(404, 'NO_SUCH_CALL', 'this dashboard has no login of its own');
    }
    const body = await readBody(request);
    checkNames(Object.keys(body), ['token'], 'field');
    return rule.login(text(body, 'token'), request);
  };

  const fetch = async (request: Request): Promise<Response> => {
    try {
      return await answer(request);
    } catch (error) {
      return failure(error);
    }
  };

  const close = async (): Promise<void> => {
    streams.close();
    await Promise.all([...views.values()].map((view) => view.close()));
  };

  return { fetch, node: (request, response) => void answerNode(fetch, request, response), close };
}

function noteWith(onAction: DashboardOptions['onAction']): Handled['note'] {
  return (view, action, user) => {
    const noted = { who: user.who, broker: view.source.name, ...action };
    view.source.logger.info(noted, 'dashboard action');
    try {
      onAction?.(noted);
    } catch (error) {
      view.source.logger.error({ error }, 'onAction of the dashboard failed; the action was made');
    }
  };
}

function failure(error: unknown): Response {
  if (error instanceof ApiError) {
    if (error.cause !== undefined) logger.error({ error: error.cause }, error.message);
    return refusal(error);
  }
  const { code, message } = shownError(error);
  if (!BrokkrError.is(error)) {
    logger.error({ error }, 'a call of the dashboard failed');
    return json({ error: { code: 'DASHBOARD_FAILED', message: 'the dashboard failed; its log has the error' } }, 500);
  }
  const isUnavailable = error instanceof BrokerUnavailableError || error.name === 'BrokerUnavailableError';
  const isWrong = error instanceof ConfigError || error.name === 'ConfigError';
  return refusal(new ApiError(isUnavailable ? 503 : isWrong ? 400 : 501, code, message));
}

function versionOf(): string {
  return (JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }).version;
}
