import { quietSettings } from '../app/quiet-settings.ts';
import { loadApp } from '../app/load-app.ts';
import { refuseMemory } from '../app/own-process.ts';
import { UsageError } from '../exit.ts';

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
  const { manager } = await loadApp(app, {
    ...quietSettings,
    ...(broker === undefined ? {} : { brokerUrl: broker }),
  });
  refuseMemory(manager, 'brokkr send');
  const task = manager.get(name);
  if (task === undefined) {
    const known = manager.tasks().map((each) => each.name);
    throw new UsageError(`no task ${name}; this application has ${known.join(', ')}`);
  }
  try {
    const { id } = await task.with({ delay }).send(...args.map(parse));
    console.log(id);
  } finally {
    await manager.close();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
