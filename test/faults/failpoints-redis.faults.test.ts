import { failpointCases } from './failpoint-cases.ts';
import { redisUnderFaults } from './redis-fault-broker.ts';

failpointCases(redisUnderFaults);
