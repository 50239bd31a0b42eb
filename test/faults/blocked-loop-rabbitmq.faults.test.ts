import { afterAll, beforeAll } from 'vitest';
import { blockedLoopCases } from './blocked-loop-cases.ts';
import { SharedRabbit } from './rabbitmq-fault-broker.ts';

const shared = new SharedRabbit();
beforeAll(() => shared.start(), 90_000);
afterAll(() => shared.end());

blockedLoopCases(shared);
