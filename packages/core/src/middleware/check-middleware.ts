import { ConfigError } from '../errors/errors.ts';
import type { Middleware } from './middleware.ts';

/** @throws ConfigError (`MIDDLEWARE_INVALID`) if it has no name, or neither `send` nor `handle` */
export function checkMiddleware(middleware: unknown): void {
  const { name, send, handle } = (middleware as Partial<Middleware> | null | undefined) ?? {};
  const steps = [send, handle].filter((step) => step !== undefined);
  if (typeof name === 'string' && steps.length > 0 && steps.every((step) => typeof step === 'function')) return;
  throw new ConfigError('middleware must have a `name`, and a `send` or `handle` function', {
    code: 'MIDDLEWARE_INVALID',
  });
}
