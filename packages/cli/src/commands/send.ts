import type { SendOptions } from '@brokkr/core';
import { checkSendQueue } from '../app/check-send-queue.ts';
import { closeManagers } from '../app/close-manager.ts';
import { loadApp } from '../app/load-app.ts';
import { brokerSettings } from '../app/open-broker.ts';
import { refuseMemory } from '../app/own-process.ts';
import { taskNamed } from '../app/task-named.ts';
import { noteBroker } from '../explain.ts';
import { print, printJson } from '../output.ts';
import { parseArgument } from './parse-argument.ts';
import { parseHeaders } from './parse-headers.ts';

export interface SendCommandOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly queue?: string;
  readonly priority?: string;
  readonly key?: string;
  readonly header: readonly string[];
  readonly delay?: string;
  readonly json: boolean;
}

/** Sends one task and prints the message's id; as JSON, also its queue, and whether it is new. */
export async function sendCommand(name: string, args: readonly string[], options: SendCommandOptions): Promise<void> {
  const { app, broker, json, ...given } = options;
  const values = args.map((text, index) => parseArgument(text, index + 1));
  const sending = sendOptions(given);
  const { core, manager } = await loadApp(app, brokerSettings(broker));
  refuseMemory(manager, 'brokkr send', broker === undefined ? undefined : '--broker');
  const task = await taskNamed(manager, name);
  try {
    if (given.queue !== undefined) await checkSendQueue(await import('@brokkr/core/adapter'), manager, given.queue);
    const { id, queue, isNew } = await task.with(sending).send(...values);
    if (json) printJson({ id, queue, isNew });
    else print(id);
  } catch (error) {
    noteBroker(error, core.redactUrl(manager.config.brokerUrl));
    throw error;
  } finally {
    await closeManagers(manager);
  }
}

function sendOptions({ queue, priority, key, header, delay }: Omit<SendCommandOptions, 'json'>): SendOptions {
  return {
    delay,
    queueName: queue,
    priority: priority as SendOptions['priority'],
    idempotencyKey: key,
    ...(header.length > 0 && { headers: parseHeaders(header) }),
  };
}
