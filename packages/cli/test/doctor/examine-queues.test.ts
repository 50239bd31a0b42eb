import type { Broker, TaskManager } from '@brokkr/core';
import type { Inspector, QueueReport, WorkerReport } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import type { Check } from '../../src/doctor/check.ts';
import { examineQueues } from '../../src/doctor/examine-queues.ts';

const manager = {
  config: { deadMax: 10, queueName: 'default' },
  tasks: () => [{ queueName: 'lonely' }, { queueName: undefined }],
} as unknown as TaskManager;

interface Served {
  readonly counts: readonly QueueReport[];
  readonly paused?: readonly string[];
  readonly workers?: readonly Pick<WorkerReport, 'id' | 'state' | 'queues'>[];
  readonly reports?: () => Promise<never>;
}

/** The warnings of queues with these counts. */
async function warnings({ counts, paused = [], workers, reports }: Served): Promise<readonly string[]> {
  const inspector = { queues: async () => counts.map(({ queue }) => queue), countsOf: async () => counts };
  const broker = {
    states: { get: async (key: string) => (paused.includes(key.slice('paused:'.length)) ? '1' : undefined) },
    ...(workers !== undefined && {
      workers: { reports: reports ?? (async () => workers.map((report) => ({ report, ageMs: 0 }))) },
    }),
  };
  const found: string[] = [];
  for await (const check of examineQueues(broker as unknown as Broker, inspector as unknown as Inspector, manager)) {
    if (check.severity === 'warning') found.push(`${check.message} [${check.code}]`);
  }
  return found;
}

/** What RabbitMQ counts: neither running nor acknowledged messages, and no consumer of a worker that is full. */
const rabbit = (queue: string, ready = 3, consumers = 0): QueueReport => ({ queue, ready, dead: 0, consumers });

it.concurrent('a queue whose running messages the server does not count is served if a worker reports so', async () => {
  const counts = [
    rabbit('full'),
    rabbit('full.prio.high'),
    rabbit('consumed', 3, 1),
    rabbit('lonely'),
    rabbit('left', 1),
  ];
  const workers = [
    { id: 'a', state: 'running', queues: { full: 1 } },
    { id: 'b', state: 'stopping', queues: { left: 1 } },
  ] as const;
  expect(await warnings({ counts, workers })).toEqual([
    '3 messages wait in lonely, and no worker runs them; run a worker for it: brokkr worker -q lonely [QUEUE_UNSERVED]',
    '1 message waits in left, and no worker runs it; and no task of this application uses it [QUEUE_UNSERVED]',
  ]);
});

it.concurrent('a paused queue is reported as paused, with its name for every lane', async () => {
  const counts = [rabbit('emails', 1), rabbit('emails.prio.low')];
  const workers = [{ id: 'a', state: 'running', queues: { emails: 1 } }] as const;
  expect(await warnings({ counts, workers, paused: ['emails'] })).toEqual([
    '1 message waits in emails, which is paused; to end the pause: brokkr resume emails [QUEUE_PAUSED]',
    '3 messages wait in emails.prio.low, which is paused; to end the pause: brokkr resume emails [QUEUE_PAUSED]',
  ]);
});

it.concurrent('quiet workers are named if a queue has no other', async () => {
  const counts = ['one', 'two', 'mixed'].map((queue) => ({ queue, ready: 3, running: 0, acknowledged: 7, dead: 0 }));
  const workers = [
    { id: 'a', state: 'quiet', queues: { one: 1, two: 1 } },
    { id: 'b', state: 'quiet', queues: { two: 1, mixed: 1 } },
    { id: 'c', state: 'running', queues: { mixed: 1 } },
  ] as const;
  expect(await warnings({ counts, workers })).toEqual([
    '3 messages wait in one, and its worker is quiet; brokkr workers resume a [QUEUE_UNSERVED]',
    '3 messages wait in two, and its 2 workers are quiet; brokkr workers resume a [QUEUE_UNSERVED]',
  ]);
});

it.concurrent('a user without rights to the reports of workers gets what the counts show', async () => {
  const reports = () => Promise.reject(Object.assign(new Error('no right'), { code: 'QUEUE_REFUSED' }));
  const counts = [rabbit('lonely'), { queue: 'unknown', ready: 2 }];
  expect(await warnings({ counts, workers: [], reports })).toEqual([
    expect.stringMatching(/^3 messages wait in lonely, and no worker runs them/),
  ]);
});

it.concurrent('queues are examined although their pauses cannot be read', async () => {
  const spoiled = Object.assign(new Error('the Redis key brokkr:state holds a list'), { code: 'KEY_SPOILED' });
  const counts = [{ ...rabbit('emails'), dead: 11 }];
  const inspector = { queues: async () => ['emails'], countsOf: async () => counts } as unknown as Inspector;
  const broker = { states: { get: () => Promise.reject(spoiled) } } as unknown as Broker;
  const checks: Check[] = [];
  for await (const check of examineQueues(broker, inspector, manager)) checks.push(check);
  expect(checks.map(({ severity, code }) => [severity, code])).toEqual([
    ['error', 'KEY_SPOILED'],
    ['warning', 'DEAD_LETTERS_OVER_MAX'],
    ['warning', 'QUEUE_UNSERVED'],
  ]);
  expect(checks[0]?.message).toBe('the pauses of the queues are unknown: the Redis key brokkr:state holds a list');
});
