import type { Command } from 'commander';
import { quietCommand, wakeCommand } from '../commands/quiet.ts';
import { workersCommand } from '../commands/workers.ts';
import type { Exit } from '../exit.ts';
import { HELP } from './common-options.ts';

/** Refuses arguments of `worker`. Those that steer a worker belong to `workers`. */
export function refuseArguments(command: Command): void {
  const [first, ...ids] = command.args;
  if (first === undefined) return;
  if (first === 'quiet' || first === 'resume') {
    command.error(`error: use brokkr workers ${first} ${ids.length === 0 ? '<ids...>' : ids.join(' ')}`);
  }
  command.error(
    `error: too many arguments for 'worker'. Expected 0 arguments but got ${command.args.length}; -q names queues`,
  );
}

/** Adds the group `workers`, which lists them without a further name. */
export function addWorkerCommands(program: Command, exit: Exit): Command {
  const workers = program
    .command('workers')
    .description('list the living workers of every host, or steer one')
    .option('--broker <url>', HELP.broker)
    .option('--json', HELP.json, false)
    .option('--watch', HELP.watch, false)
    .option('--running', 'list the tasks that run, the oldest first', false)
    .allowExcessArguments()
    .action((options, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) command.error(`error: unknown command '${unknown}'; known are quiet and resume`);
      return workersCommand(options);
    });
  for (const [name, description, run] of [
    ['quiet', 'let workers take no more messages; running tasks go on', quietCommand],
    ['resume', 'let quiet workers take messages again', wakeCommand],
  ] as const) {
    workers
      .command(name)
      .description(description)
      .argument('<ids...>', 'as brokkr workers lists them')
      .option('--broker <url>', HELP.broker)
      .action(async (ids, _, command: Command) => exit(await run(ids, command.optsWithGlobals())));
  }
  return workers;
}
