import type { Command } from 'commander';
import { sendCommand } from '../commands/send.ts';
import { cancelCommand } from '../messages/cancel.ts';
import { statusCommand } from '../messages/status.ts';
import type { Exit } from '../exit.ts';
import { HELP } from './common-options.ts';

/** Adds `send`, `status` and `cancel`. */
export function addMessageCommands(program: Command, exit: Exit): void {
  program
    .command('send')
    .description('send a task and print the id of its message')
    .argument('<task>', 'its name')
    .argument('[args...]', 'its arguments: JSON, or text that does not begin like JSON, which is sent as a string')
    .option('--delay <duration>', 'time before it may start: 30, 30s, 10m')
    .option('--queue <name>', "queue, instead of the task's own")
    .option('--priority <lane>', 'high, normal or low, if the task has priorities')
    .option('--key <text>', 'idempotency key: sends with the same key are one message')
    .option('--header <name=value>', 'header of the message; may be repeated', collected, [])
    .option('--json', 'print JSON: the id, the queue, and whether the message is new', false)
    .option('-a, --app <module>', HELP.app)
    .option('--broker <url>', HELP.broker)
    .action((task, args, options) => sendCommand(task, args, options));
  program
    .command('status')
    .description('print the state of a message')
    .argument('<id>', 'its id')
    .option('--queue <name>', 'the queue it was sent to (default: all queues are searched)')
    .option('--task <name>', 'its task, whose queue is searched')
    .option('--json', HELP.json, false)
    .option('-a, --app <module>', HELP.app)
    .option('--broker <url>', HELP.broker)
    .action((id, options) => statusCommand(id, options));
  program
    .command('cancel')
    .description('remove a message that has not started')
    .argument('<id>', 'its id')
    .option('--running', 'also abort its task if it runs', false)
    .option('--queue <name>', 'the queue it was sent to (default: all queues are searched)')
    .option('--task <name>', 'its task, whose queue is searched')
    .option('-a, --app <module>', HELP.app)
    .option('--broker <url>', HELP.broker)
    .action(async (id, options) => exit(await cancelCommand(id, options)));
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
