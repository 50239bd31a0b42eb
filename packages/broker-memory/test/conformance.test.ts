import { brokerSuite } from '@brokkr/core/testing';
import { describe, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

brokerSuite('memory, virtual time', {
  runner: { describe, it },
  time: 'virtual',
  open: ({ clock }) => new MemoryBroker({ clock }),
});
