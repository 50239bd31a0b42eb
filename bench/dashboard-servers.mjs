// The servers of the tests are in TypeScript, which Node 20 does not read; the loader of the command line does.
import { createRequire } from 'node:module';

const { createJiti } = createRequire(import.meta.resolve('@brokkr/cli'))('jiti');
const jiti = createJiti(import.meta.url);
export const { RedisServer } = await jiti.import('../test/support/redis-server.ts');
export const { RabbitServer } = await jiti.import('../test/support/rabbitmq-server.ts');
