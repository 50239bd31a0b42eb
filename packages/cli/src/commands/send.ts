import { closeManagers } from '../app/close-manager.ts';
import { quietSettings } from '../app/quiet-settings.ts';
import { loadApp } from '../app/load-app.ts';
import { refuseMemory } from '../app/own-process.ts';
import { UsageError } from '../exit.ts';
import { noteBroker } from '../explain.ts';
import { print } from '../output.ts';
import { parseArgument } from './parse-argument.ts';

export interface SendCommandOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly delay?: string;
}

/** Sends one task and prints the message's id. */
export async function sendCommand(
  name: string,
  args: readonly string[],
  { app, broker, delay }: SendCommandOptions,
): Promise<void> {
  const values = args.map((text, index) => parseArgument(text, index + 1));
  const { core, manager } = await loadApp(app, {
    ...quietSettings,
    ...(broker === undefined ? {} : { brokerUrl: broker }),
  });
  refuseMemory(manager, 'brokkr send', broker === undefined ? undefined : '--broker');
  const task = manager.get(name);
  if (task === undefined) {
    const known = manager.tasks().map((each) => each.name);
    throw new UsageError(`unknown task ${name}; this application has ${known.join(', ')}`);
  }
  try {
    const { id } = await task.with({ delay }).send(...values);
    print(id);
  } catch (error) {
    noteBroker(error, core.redactUrl(manager.config.brokerUrl));
    throw error;
  } finally {
    await closeManagers(manager);
  }
}
