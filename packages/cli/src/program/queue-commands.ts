import type { Command } from 'commander';
import { moveCommand } from '../commands/move.ts';
import { limitSetCommand, limitsCommand } from '../commands/limits.ts';
import { pauseCommand, resumeCommand } from '../commands/pause.ts';
import { purgeCommand } from '../commands/purge.ts';
import { queuesCommand } from '../commands/queues.ts';
import type { Exit } from '../exit.ts';
import { HELP } from './common-options.ts';
import { wholeNumber } from './whole-number.ts';

/** Adds `queues`, `pause`, `resume`, `purge` and `move`. */
export function addQueueCommands(program: Command, exit: Exit): void {
  program
    .command('queues')
    .description('list queues with their message counts')
    .argument('[queues...]', 'their names (default: all queues)')
    .option('-a, --app <module>', HELP.queuesOf)
    .option('--broker <url>', HELP.broker)
    .option('--json', HELP.json, false)
    .option('--watch', HELP.watch, false)
    .action(async (queues, options) => exit(await queuesCommand(queues, options)));
  const limits = program
    .command('limits')
    .description('list what limits hold: permits, waiting messages, stopped clocks')
    .option('-a, --app <module>', 'application whose limits to list also if no message used them, but a rule is set')
    .option('--broker <url>', HELP.broker)
    .option('--json', HELP.json, false)
    .option('--watch', HELP.watch, false)
    .action((options) => limitsCommand(options));
  limits
    .command('set')
    .description('set the rule of a limit in all workers, over that of the code')
    .argument('<name>', 'name of the limit, or queue:NAME for that of a queue')
    .option('--rate <number>', 'starts in each --per', wholeNumber)
    .option('--per <duration>', 'time of the rate: 1s, 10m (default: 1s)')
    .option('--burst <number>', 'starts at once after a quiet time', wholeNumber)
    .option('--concurrency <number>', 'runs at the same time', wholeNumber)
    .option('--reset', 'let the rule of the code apply again', false)
    .option('-a, --app <module>', HELP.app)
    .option('--broker <url>', HELP.broker)
    .action((name, options, command) => limitSetCommand(name, { ...command.optsWithGlobals(), ...options }))
    .exitOverride();
  for (const [name, description, run] of [
    ['pause', 'stop all workers from starting messages of queues; running tasks go on', pauseCommand],
    ['resume', 'end the pause of queues', resumeCommand],
  ] as const) {
    program
      .command(name)
      .description(description)
      .argument('<queues...>', 'their names')
      .option('-a, --app <module>', HELP.queuesOf)
      .option('--broker <url>', HELP.broker)
      .action((queues, options) => run(queues, options));
  }
  program
    .command('purge')
    .description('remove the ready messages of a queue')
    .argument('<queue>', 'its name')
    .option('--dry-run', 'change nothing, print how many there are', false)
    .option('--json', HELP.json, false)
    .option('-a, --app <module>', HELP.queuesOf)
    .option('--broker <url>', HELP.broker)
    .action((queue, options) => purgeCommand(queue, options));
  program
    .command('move')
    .description('move ready and delayed messages, or dead letters, to another broker')
    .argument('<from>', 'URL of the broker that has them')
    .argument('<to>', 'URL of the broker that gets them')
    .option('-a, --app <module>', HELP.queuesOf)
    .option('-q, --queues <names>', 'only these queues: emails,default')
    .option('--dead', 'move dead letters, which stay dead letters', false)
    .action(async (from, to, options) => exit(await moveCommand(from, to, options)));
}
