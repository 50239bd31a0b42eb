import { chaosCases } from './chaos-cases.ts';
import { redisUnderFaults } from './redis-fault-broker.ts';

chaosCases(redisUnderFaults, {
  flush: (server) => server.command('SCRIPT', 'FLUSH'),
  pause: (server) => server.command('CLIENT', 'PAUSE', '1000', 'ALL'),
});
