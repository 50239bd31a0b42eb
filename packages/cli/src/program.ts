import { Command, InvalidArgumentError, Option } from 'commander';
import { ownVersion } from './app/load-core.ts';
import { deadDiscardCommand, deadListCommand, deadRetryCommand, deadShowCommand } from './commands/dead.ts';
import { doctorCommand } from './commands/doctor.ts';
import { metricsCommand } from './commands/metrics.ts';
import { moveCommand } from './commands/move.ts';
import { purgeCommand } from './commands/purge.ts';
import { queuesCommand } from './commands/queues.ts';
import { schedulerCommand } from './commands/scheduler.ts';
import { scheduleListCommand } from './commands/schedule-list.ts';
import { sendCommand } from './commands/send.ts';
import { tasksCommand } from './commands/tasks.ts';
import { workerCommand } from './commands/worker.ts';
import { addHelp } from './help.ts';
import { parsePort } from './monitoring/monitor-options.ts';

/** Sets the exit code of the command line. */
export type Exit = (code: number) => void;

/** Builds the command line. A command loads what it needs when it runs. */
export function makeProgram(exit: Exit): Command {
  const program = new Command('brokkr')
    .description('Run and inspect the tasks of an application.')
    .version(ownVersion())
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll('\n', ' ')}\n`) })
    .exitOverride();
  program
    .command('worker')
    .description(
      'run tasks until SIGINT, SIGTERM or SIGHUP; running tasks finish first, a second signal after 1 s ends them',
    )
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--manager <name>', 'task manager to serve, if the application has several')
    .option(
      '-q, --queues <names>',
      "queues to serve, with optional weights: emails:3,default; 'all': those of all tasks",
    )
    .option('-c, --concurrency <number>', 'tasks that a process runs at the same time', wholeNumber)
    .option('-p, --processes <number>', 'number of worker processes', wholeNumber, 1)
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .option('--watch', 'restart when a source file changes', false)
    .option('--worker-id <id>', 'name of the worker at the broker')
    .option('--metrics-port <port>', 'serve metrics and health by HTTP, instead of TASK_METRICS_PORT', port)
    .option('--metrics-host <address>', 'address of the metrics port (default: 127.0.0.1)')
    .option('--health-file <path>', 'file that is touched every second while the worker is alive')
    .addOption(new Option('--supervised', 'set by the supervisor for its worker processes').default(false).hideHelp())
    .action(async (options) => exit(await workerCommand(options)));
  program
    .command('tasks')
    .description('list the tasks of the application')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--json', 'print JSON', false)
    .action((options) => tasksCommand(options));
  program
    .command('send')
    .description('send a task and print the id of its message')
    .argument('<task>', 'its name')
    .argument('[args...]', 'its arguments: JSON, or text that does not begin like JSON, which is sent as a string')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .option('--delay <duration>', 'time before it may start: 30, 30s, 10m')
    .action((task, args, options) => sendCommand(task, args, options));
  program
    .command('scheduler')
    .description('send tasks when the jobs of the application are due, until SIGINT, SIGTERM or SIGHUP')
    .option('-a, --app <module>', 'module that defines the tasks and jobs')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .action(async (options) => exit(await schedulerCommand(options)));
  const schedule = program.command('schedule').description('inspect the jobs of the application');
  schedule
    .command('list')
    .description('list the jobs with their next runs')
    .option('-a, --app <module>', 'module that defines the tasks and jobs')
    .option('--json', 'print JSON', false)
    .action((options) => scheduleListCommand(options));
  program
    .command('queues')
    .description('list the queues of the broker with their message counts')
    .option('-a, --app <module>', 'application whose queues to list, if the server cannot list queues')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .option('--json', 'print JSON', false)
    .option('--watch', 'print them again every second', false)
    .action(async (options) => exit(await queuesCommand(options)));
  const dead = program.command('dead').description('list, show, retry or remove dead letters');
  dead
    .command('list')
    .description('list the dead letters of a queue, the oldest first')
    .argument('<queue>', 'the queue they come from')
    .option('--limit <number>', 'at most this many (default: 50)', wholeNumber)
    .option('--json', 'print JSON', false)
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .action((queue, options) => deadListCommand(queue, options));
  dead
    .command('show')
    .description('print dead letters in full')
    .argument('<queue>', 'the queue they come from')
    .argument('<ids...>', 'their ids')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .action((queue, ids, options) => deadShowCommand(queue, ids, options));
  for (const [name, description, run] of [
    ['retry', 'put dead letters back into their queue with fresh attempts', deadRetryCommand],
    ['discard', 'remove dead letters', deadDiscardCommand],
  ] as const) {
    dead
      .command(name)
      .description(description)
      .argument('<queue>', 'the queue they come from')
      .argument('[ids...]', 'their ids')
      .option('--all', 'all of the queue', false)
      .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
      .action((queue, ids, options) => run(queue, ids, options));
  }
  program
    .command('purge')
    .description('remove the ready messages of a queue')
    .argument('<queue>', 'its name')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .action((queue, options) => purgeCommand(queue, options));
  program
    .command('move')
    .description('move ready and delayed messages to another broker')
    .argument('<from>', 'URL of the broker that has them')
    .argument('<to>', 'URL of the broker that gets them')
    .option('-a, --app <module>', 'application whose queues to move, if the server cannot list queues')
    .option('-q, --queues <names>', 'only these queues: emails,default')
    .action((from, to, options) => moveCommand(from, to, options));
  program
    .command('metrics')
    .description('serve the metrics of queues for Prometheus, once for a whole system, until SIGINT, SIGTERM or SIGHUP')
    .option('-a, --app <module>', 'application whose queues to export, if the server cannot list queues')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .option('-q, --queues <names>', 'only these queues: emails,default')
    .option('--port <port>', 'port to serve on', port, 9465)
    .option('--host <address>', 'address of the port', '127.0.0.1')
    .option('--once', 'print the metrics and end', false)
    .action(async (options) => exit(await metricsCommand(options)));
  program
    .command('doctor')
    .description('check settings, application, broker and queues')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--broker <url>', 'broker URL, instead of TASK_BROKER_URL')
    .option('--json', 'print JSON', false)
    .option('--repair', 'first repair what other clients damaged in the data of the broker', false)
    .action(async (options) => exit(await doctorCommand(options)));
  for (const group of [program, schedule, dead]) addHelp(group);
  for (const command of [...program.commands, ...schedule.commands, ...dead.commands]) command.exitOverride();
  return program;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number of 1 or more is needed.');
}

function port(text: string): number {
  const parsed = parsePort(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError('a port from 1 to 65535 is needed.');
}
