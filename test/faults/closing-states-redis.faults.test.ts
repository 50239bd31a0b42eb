import { closingStates } from './closing-states.ts';
import { redisUnderFaults } from './redis-fault-broker.ts';

closingStates(redisUnderFaults);
