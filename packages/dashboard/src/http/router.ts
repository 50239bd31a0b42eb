import { ApiError, badRequest } from './api-error.ts';
import { checkNames } from './fields.ts';

/** A call of the API: the parts of its path by name, and its parameters, whose names were checked. */
export interface Call {
  readonly request: Request;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** One line of the API. `Handled` is what its handler gets beside the call. */
export interface Route<Handled> {
  readonly method: 'GET' | 'POST';
  /** Parts that begin with a colon match any text: `:b/queues/:q`. */
  readonly path: string;
  /** Names of its parameters. */
  readonly query?: readonly string[];
  readonly handle: (call: Call, handled: Handled) => Promise<Response> | Response;
}

const PREFIX = '/api/v1/';
/** Most characters of a path below the prefix, and of a query. */
const LONGEST = 4_096;

/**
 * The path of a call of the API below its prefix, wherever the dashboard is mounted; `undefined` for other requests.
 * The last prefix counts: the path of the mount may contain one, too, and names in a call are encoded.
 */
export function apiPath(pathname: string): string | undefined {
  const at = pathname.lastIndexOf(PREFIX);
  return at < 0 ? undefined : pathname.slice(at + PREFIX.length);
}

/**
 * Finds the route of a request, and reads its path and parameters.
 *
 * @throws ApiError 404 for an unknown path, 405 for another method, 400 for a path or parameter that cannot be read
 */
export function findRoute<Handled>(
  routes: readonly Route<Handled>[],
  request: Request,
  path: string,
  search: URLSearchParams,
): { readonly route: Route<Handled>; readonly call: Call } {
  if (path.length > LONGEST) throw badRequest(`the path has more than ${LONGEST} characters`);
  const parts = path.split('/').map(decoded);
  const matching = routes.filter((route) => matches(route.path, parts));
  if (matching.length === 0) throw new ApiError(404, 'NO_SUCH_CALL', 'there is no such call; see docs/dashboard.md');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = matching.find((each) => each.method === method);
  if (route === undefined) {
    const allow = [...new Set(matching.map((each) => each.method))].join(', ');
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `this call takes ${allow}`, { headers: { allow } });
  }
  return { route, call: { request, path: named(route.path, parts), query: queryOf(search, route.query ?? []) } };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('the path is not encoded as in a URL');
  }
}

function matches(pattern: string, parts: readonly string[]): boolean {
  const wanted = pattern.split('/');
  return (
    wanted.length === parts.length &&
    wanted.every((want, index) => (want.startsWith(':') ? parts[index] !== '' : want === parts[index]))
  );
}

function named(pattern: string, parts: readonly string[]): Readonly<Record<string, string>> {
  const names = pattern.split('/').flatMap((want, index) => (want.startsWith(':') ? [[want.slice(1), index]] : []));
  return Object.fromEntries(names.map(([name, index]) => [name, parts[index as number] as string]));
}

function queryOf(search: URLSearchParams, known: readonly string[]): Readonly<Record<string, string>> {
  checkNames(search.keys(), known, 'parameter');
  return Object.fromEntries(search);
}
