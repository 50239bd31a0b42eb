import { Command, InvalidArgumentError } from 'commander';
import { schedulerCommand } from './commands/scheduler.ts';
import { scheduleListCommand } from './commands/schedule-list.ts';
import { sendCommand } from './commands/send.ts';
import { tasksCommand } from './commands/tasks.ts';
import { workerCommand } from './commands/worker.ts';
import { ownVersion } from './app/load-core.ts';

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
  for (const command of [...program.commands, ...schedule.commands]) command.exitOverride();
  return program;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number of 1 or more is needed.');
}
