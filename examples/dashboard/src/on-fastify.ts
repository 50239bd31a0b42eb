import type { Dashboard } from '@brokkr/dashboard';
import Fastify, { type FastifyInstance } from 'fastify';

/** A Fastify application with the dashboard, in a scope of its own: the dashboard reads the bodies of requests itself. */
export async function onFastify(dashboard: Dashboard): Promise<FastifyInstance> {
  const app = Fastify();
  app.get('/', async () => 'the shop');
  await app.register((scope, _options, ready) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const path of ['/admin/tasks', '/admin/tasks/*']) {
      scope.all(path, (request, reply) => {
        reply.hijack();
        dashboard.node(request.raw, reply.raw);
      });
    }
    ready();
  });
  return app;
}
