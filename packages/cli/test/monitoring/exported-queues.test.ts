import * as adapter from '@brokkr/core/adapter';
import { afterEach, expect, it, vi } from 'vitest';
import type { OpenedBroker } from '../../src/app/open-broker.ts';
import { exportedQueues } from '../../src/monitoring/exported-queues.ts';

afterEach(() => vi.restoreAllMocks());

function open(queues: () => Promise<readonly string[]> = async () => ['emails', 'pdf']): OpenedBroker {
  return { adapter, broker: { capabilities: { counts: 'exact' } }, inspector: { queues } } as unknown as OpenedBroker;
}

it('metrics --once refuses an unknown queue, with the nearest name', async () => {
  await expect(exportedQueues(open(), { queues: 'pdf,emials', once: true })).rejects.toMatchObject({
    name: 'UsageError',
    message: 'unknown queue emials; did you mean emails?',
  });
  expect(await exportedQueues(open(), { queues: 'pdf, emails', once: true })).toEqual(['pdf', 'emails']);
});

it('an exporter that runs on warns of an unknown queue, and starts', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(await exportedQueues(open(), { queues: 'emials', once: false })).toEqual(['emials']);
  await vi.waitFor(() => expect(write).toHaveBeenCalledOnce());
  expect(write).toHaveBeenCalledWith(
    'warning: unknown queue emials; did you mean emails?; its metrics are 0 until it gets a message\n',
  );
});

it('an exporter starts while the broker does not answer', async () => {
  const silent = open(() => new Promise(() => undefined));
  expect(await exportedQueues(silent, { queues: 'emails', once: false })).toEqual(['emails']);
});
