import { brokerSuite } from '@brokkr/core/testing';
import { describe, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

const runner = { describe, it: (name: string, body: () => Promise<void>) => it(name, body, 120_000) };

brokerSuite('memory, virtual time', { runner, time: 'virtual', open: ({ clock }) => new MemoryBroker({ clock }) });
