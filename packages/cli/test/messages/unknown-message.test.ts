import * as adapter from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import type { OpenedBroker } from '../../src/app/open-broker.ts';
import type { MessageOptions } from '../../src/messages/locate-message.ts';
import { unknownMessage } from '../../src/messages/unknown-message.ts';

/** The error about message `m1`, which is in the queue `at`. */
async function message(options: MessageOptions, at?: string, finds = true): Promise<string> {
  const find = async (queue: string) =>
    queue === at ? [{ state: 'ready', envelope: { id: 'm1', headers: { 'brokkr-task': 'mail' } } }] : [];
  const opened = {
    adapter,
    broker: { capabilities: { counts: 'exact' }, ...(finds && { messages: { find } }) },
    inspector: { queues: async () => ['emails', 'pdf'] },
  } as unknown as OpenedBroker;
  return (await unknownMessage(opened, 'brokkr status', 'm1', options, { queues: [options.queue ?? 'pdf'] })).message;
}

it('a message that is not in the queue that was named is shown with the queue that it is in, and its task', async () => {
  expect(await message({ queue: 'pdf' }, 'emails')).toBe(
    'message m1 is not in queue pdf: it is in queue emails, a message of task mail; brokkr status m1 --queue emails',
  );
  expect(await message({ task: 'render' }, 'emails')).toMatch(
    /^message m1 is not in the queue of task render \(pdf\): it is in queue emails/,
  );
});

it('a message in no queue is reported with the queue that was named', async () => {
  expect(await message({ queue: 'pdf' })).toBe(
    'message m1 is not in queue pdf, nor in any other queue, and the result store does not know it: it has ended, or never was',
  );
  expect(await message({})).toMatch(/^message m1 is in no queue, and the result store/);
});

it('a server that finds no message by its id says so, and which option to leave out', async () => {
  const told = await message({ queue: 'pdf' }, 'emails', false);
  expect(told).toMatch(/^nothing is known of message m1 in queue pdf: this broker cannot find messages by their ids/);
  expect(told).toMatch(/if its task uses another queue, name that one, or leave out --queue$/);
  expect(await message({}, 'emails', false)).toMatch(/has no result of it$/);
});
