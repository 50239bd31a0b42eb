import type { Command } from 'commander';
import { deadDiscardCommand, deadRetryCommand } from '../dead/dead-change.ts';
import { deadListCommand } from '../dead/dead-list.ts';
import { deadShowCommand } from '../dead/dead-show.ts';
import { deadSummaryCommand } from '../dead/dead-summary.ts';
import type { Exit } from '../exit.ts';
import { HELP } from './common-options.ts';
import { wholeNumber } from './whole-number.ts';

/** Adds the group `dead`. */
export function addDeadCommands(program: Command, exit: Exit): Command {
  const dead = program.command('dead').description('list, show, retry or remove dead letters');
  withFilters(
    dead
      .command('list')
      .description('list dead letters, the oldest first')
      .argument('[queue]', 'the queue they come from (default: all queues)'),
  )
    .option('--limit <number>', 'at most this many (default: 50)', wholeNumber)
    .option('--json', HELP.json, false)
    .option('-a, --app <module>', HELP.queuesOf)
    .option('--broker <url>', HELP.broker)
    .action(async (queue, options) => exit(await deadListCommand(queue, options)));
  withFilters(
    dead
      .command('summary')
      .description('count dead letters by their task and error')
      .argument('[queue]', 'the queue they come from (default: all queues)'),
  )
    .option('--limit <number>', 'look at this many at most (default: 10000, on RabbitMQ 1000)', wholeNumber)
    .option('--json', HELP.json, false)
    .option('-a, --app <module>', HELP.queuesOf)
    .option('--broker <url>', HELP.broker)
    .action((queue, options) => deadSummaryCommand(queue, options));
  dead
    .command('show')
    .description('print dead letters in full')
    .argument('<names...>', 'the queue and the ids of letters; or one id, which is looked for in all queues')
    .option('--json', `${HELP.json} (as always)`, false)
    .option('-a, --app <module>', HELP.queuesOf)
    .option('--broker <url>', HELP.broker)
    .action((names, options) => deadShowCommand(names, options));
  for (const [name, description, run] of [
    ['retry', 'put dead letters back into their queues with fresh attempts', deadRetryCommand],
    ['discard', 'remove dead letters', deadDiscardCommand],
  ] as const) {
    withFilters(
      dead
        .command(name)
        .description(`${description}: those of ids, of a filter, or all`)
        .argument('[names...]', 'the queue (default: all queues), and ids of letters; or one id'),
    )
      .option('--all', 'all of them', false)
      .option('--dry-run', 'change nothing, print how many there are', false)
      .option('--rate <number>', 'at most this many a second', wholeNumber)
      .option('--limit <number>', 'at most this many', wholeNumber)
      .option('--json', HELP.json, false)
      .option('-a, --app <module>', HELP.queuesOf)
      .option('--broker <url>', HELP.broker)
      .action(async (names, options) => exit(await run(names, options)));
  }
  return dead;
}

/** Adds the options that select dead letters. */
function withFilters(command: Command): Command {
  return command
    .option('--task <name>', 'only those of this task')
    .option('--error <text>', 'only those whose reason contains this text')
    .option('--since <duration>', 'only those that died within this time: 1h, 30m, 2d')
    .option('--older-than <duration>', 'only those that died before this time: 1h, 30m, 2d');
}
