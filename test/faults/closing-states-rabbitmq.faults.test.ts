import { closingStates } from './closing-states.ts';
import { rabbitUnderFaults } from './rabbitmq-fault-broker.ts';

closingStates(rabbitUnderFaults, { keepsResults: false });
