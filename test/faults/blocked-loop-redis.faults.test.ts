import { blockedLoopCases } from './blocked-loop-cases.ts';
import { redisUnderFaults } from './redis-fault-broker.ts';

blockedLoopCases(redisUnderFaults);
