import type { TaskManager } from '@brokkr/core';
import * as adapter from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { checkSendQueue } from '../../src/app/check-send-queue.ts';

interface Known {
  readonly listed?: readonly string[];
  readonly counts?: object;
  readonly served?: readonly string[];
  readonly inspects?: boolean;
}

/** The error about a queue of `brokkr send`, for an application whose task uses `emails`; `undefined` if it is accepted. */
async function refusal(queue: string, { listed = [], counts = {}, served, inspects = true }: Known = {}) {
  const inspector = { queues: async () => listed, countsOf: async () => [{ queue, ready: 0, ...counts }] };
  const reports = async () => {
    if (served === undefined) throw new Error('no right to reports');
    return served.map((name) => ({ report: { queues: { [name]: 1 } } }));
  };
  const manager = {
    config: { queueName: 'default' },
    tasks: () => [{ queueName: 'emails' }, { queueName: undefined }],
    broker: async () => (inspects ? { inspector, workers: { reports } } : {}),
  } as unknown as TaskManager;
  return checkSendQueue(adapter, manager, queue).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

it('a queue of brokkr send that nothing knows is refused with the nearest name, and with what to do', async () => {
  const advice = '(for a new queue, first start a worker of it: brokkr worker -q emial)';
  expect(await refusal('emial')).toBe(`unknown queue emial; did you mean emails? ${advice}`);
  expect(await refusal('emial', { served: ['emial2'] })).toBe(`unknown queue emial; did you mean emial2? ${advice}`);
  expect(await refusal('zzz', { listed: ['pdf.prio.low'] })).toMatch(
    /^unknown queue zzz; known are emails, default, pdf \(/,
  );
});

it('a queue of brokkr send is accepted if a task, the broker, a message, a consumer or a worker knows it', async () => {
  const accepted = [
    refusal('emails'),
    refusal('emails.prio.high'),
    refusal('default'),
    refusal('pdf', { listed: ['pdf'] }),
    refusal('pdf', { counts: { dead: 1 } }),
    refusal('pdf', { counts: { consumers: 1 } }),
    refusal('pdf', { counts: { error: new Error('no majority') } }),
    refusal('pdf', { served: ['pdf'] }),
    refusal('pdf', { inspects: false }),
  ];
  expect(await Promise.all(accepted)).toEqual(Array.from(accepted, () => undefined));
});
