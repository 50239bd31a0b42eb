import { brokerSuite } from '@brokkr/core/testing';
import { describe, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

const runner = { describe, it: it.concurrent };

brokerSuite('memory, real time', { runner, leaseMs: 1_000, open: () => new MemoryBroker() });
