import { Command, InvalidArgumentError } from 'commander';
import { deadDiscardCommand, deadListCommand, deadRetryCommand, deadShowCommand } from './commands/dead.ts';
import { doctorCommand } from './commands/doctor.ts';
import { moveCommand } from './commands/move.ts';
import { purgeCommand } from './commands/purge.ts';
import { queuesCommand } from './commands/queues.ts';
import { schedulerCommand } from './commands/scheduler.ts';
import { scheduleListCommand } from './commands/schedule-list.ts';
import { sendCommand } from './commands/send.ts';
import { tasksCommand } from './commands/tasks.ts';
import { workerCommand } from './commands/worker.ts';
import { ownVersion } from './app/load-core.ts';
import { addHelp } from './help.ts';

/** Told by a command how the process is to exit. */
export type Exit = (code: number) => void;

/** The command line as it is understood. Commands load what they need when they run. */
export function makeProgram(exit: Exit): Command {
  const program = new Command('brokkr')
    .description('Runs and inspects the tasks of an application.')
    .version(ownVersion())
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll('\n', ' ')}\n`) })
    .exitOverride();
  program
    .command('worker')
    .description('run tasks until a signal ends it: SIGINT or SIGTERM once to finish what runs, twice to stop at once')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--manager <name>', 'task manager whose tasks to run, where the application has several')
    .option('-q, --queues <names>', 'queues to serve, with weights if wanted: emails:3,default')
    .option('-c, --concurrency <number>', 'tasks at once in a process', wholeNumber)
    .option('-p, --processes <number>', 'processes to spread over', wholeNumber, 1)
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .option('--watch', 'restart when a source file changes', false)
    .option('--worker-id <id>', 'name of the worker at the broker')
    .action(async (options) => exit(await workerCommand(options)));
  program
    .command('tasks')
    .description('list the tasks of the application')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--json', 'for programs', false)
    .action((options) => tasksCommand(options));
  program
    .command('send')
    .description('send a task')
    .argument('<task>', 'its name')
    .argument('[args...]', 'its arguments, JSON each; what is no JSON is a string')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .option('--delay <duration>', 'how long to wait before it may start: 30, 30s, 10m')
    .action((task, args, options) => sendCommand(task, args, options));
  program
    .command('scheduler')
    .description('send tasks when the jobs of the application are due, until a signal ends it')
    .option('-a, --app <module>', 'module that defines the tasks and jobs')
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .action(async (options) => exit(await schedulerCommand(options)));
  const schedule = program.command('schedule').description('look at the jobs of the application');
  schedule
    .command('list')
    .description('list the jobs with their next runs')
    .option('-a, --app <module>', 'module that defines the tasks and jobs')
    .option('--json', 'for programs', false)
    .action((options) => scheduleListCommand(options));
  program
    .command('queues')
    .description('list the queues of the broker with what stands in them')
    .option('-a, --app <module>', 'application whose queues are meant where the server lists none')
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .option('--json', 'for programs', false)
    .option('--watch', 'again every second', false)
    .action((options) => queuesCommand(options));
  const dead = program.command('dead').description('look at dead letters, put them back, or remove them');
  dead
    .command('list')
    .description('list the dead letters of a queue, the oldest first')
    .argument('<queue>', 'the queue they come from')
    .option('--limit <number>', 'how many at the most', wholeNumber)
    .option('--json', 'for programs', false)
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .action((queue, options) => deadListCommand(queue, options));
  dead
    .command('show')
    .description('print dead letters in full')
    .argument('<queue>', 'the queue they come from')
    .argument('<ids...>', 'which')
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .action((queue, ids, options) => deadShowCommand(queue, ids, options));
  for (const [name, description, run] of [
    ['retry', 'put dead letters back with fresh attempts', deadRetryCommand],
    ['discard', 'remove dead letters', deadDiscardCommand],
  ] as const) {
    dead
      .command(name)
      .description(description)
      .argument('<queue>', 'the queue they come from')
      .argument('[ids...]', 'which')
      .option('--all', 'all of them', false)
      .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
      .action((queue, ids, options) => run(queue, ids, options));
  }
  program
    .command('purge')
    .description('remove what is ready in a queue')
    .argument('<queue>', 'its name')
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .action((queue, options) => purgeCommand(queue, options));
  program
    .command('move')
    .description('move what is ready or delayed to another broker')
    .argument('<from>', 'URL of the broker to take from')
    .argument('<to>', 'URL of the broker to store in')
    .option('-a, --app <module>', 'application whose queues are meant where the server lists none')
    .option('-q, --queues <names>', 'these queues only: emails,default')
    .action((from, to, options) => moveCommand(from, to, options));
  program
    .command('doctor')
    .description('check settings, application, broker and queues')
    .option('-a, --app <module>', 'module that defines the tasks')
    .option('--broker <url>', 'broker, in place of TASK_BROKER_URL')
    .option('--json', 'for programs', false)
    .action(async (options) => exit(await doctorCommand(options)));
  for (const group of [program, schedule, dead]) addHelp(group);
  for (const command of [...program.commands, ...schedule.commands, ...dead.commands]) command.exitOverride();
  return program;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number of 1 or more is needed.');
}
