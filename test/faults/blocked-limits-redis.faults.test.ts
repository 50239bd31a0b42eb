import { blockedLimitCases } from './blocked-limits-cases.ts';
import { redisUnderFaults } from './redis-fault-broker.ts';

blockedLimitCases(redisUnderFaults);
