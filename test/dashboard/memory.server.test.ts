import { randomUUID } from 'node:crypto';
import { operateCases } from './operate-cases.ts';

operateCases('memory', () => `memory:${randomUUID()}`);
