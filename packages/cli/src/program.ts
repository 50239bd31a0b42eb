import { Command, Option } from 'commander';
import { ownVersion } from './app/load-core.ts';
import { doctorCommand } from './commands/doctor.ts';
import { metricsCommand } from './commands/metrics.ts';
import { schedulerCommand } from './commands/scheduler.ts';
import { scheduleListCommand } from './commands/schedule-list.ts';
import { tasksCommand } from './commands/tasks.ts';
import { workerCommand } from './commands/worker.ts';
import type { Exit } from './exit.ts';
import { addHelp } from './help.ts';
import { HELP } from './program/common-options.ts';
import { addDashboardCommand } from './program/dashboard-command.ts';
import { addDeadCommands } from './program/dead-commands.ts';
import { addMessageCommands } from './program/message-commands.ts';
import { port } from './program/port.ts';
import { addQueueCommands } from './program/queue-commands.ts';
import { wholeNumber } from './program/whole-number.ts';
import { addWorkerCommands, refuseArguments } from './program/worker-commands.ts';

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
    .option('-a, --app <module>', HELP.app)
    .option('--manager <name>', 'task manager to serve, if the application has several')
    .option(
      '-q, --queues <names>',
      "queues to serve, with optional weights: emails:3,default; 'all': those of all tasks",
    )
    .option('-c, --concurrency <number>', 'tasks that a process runs at the same time', wholeNumber)
    .option('-p, --processes <number>', 'number of worker processes', wholeNumber, 1)
    .option('--broker <url>', HELP.broker)
    .option('--watch', 'restart when a source file changes', false)
    .option('--worker-id <id>', 'name of the worker at the broker; with -p or --watch, each process adds to it')
    .option('--metrics-port <port>', 'serve metrics and health by HTTP, instead of TASK_METRICS_PORT', port)
    .option('--metrics-host <address>', 'address of the metrics port (default: 127.0.0.1)')
    .option('--health-file <path>', 'file that is touched every second while the worker is alive')
    .addOption(new Option('--supervised', 'set by the supervisor for its worker processes').default(false).hideHelp())
    .allowExcessArguments()
    .action(async (options, command: Command) => {
      refuseArguments(command);
      exit(await workerCommand(options));
    });
  program
    .command('tasks')
    .description('list the tasks of the application')
    .option('-a, --app <module>', HELP.app)
    .option('--json', HELP.json, false)
    .action((options) => tasksCommand(options));
  addMessageCommands(program, exit);
  program
    .command('scheduler')
    .description('send tasks when the jobs of the application are due, until SIGINT, SIGTERM or SIGHUP')
    .option('-a, --app <module>', 'module that defines the tasks and jobs')
    .option('--broker <url>', HELP.broker)
    .option('--metrics-port <port>', 'serve metrics and health by HTTP', port)
    .option('--metrics-host <address>', 'address of the metrics port (default: 127.0.0.1)')
    .option('--health-file <path>', 'file that is touched every second while the scheduler is alive')
    .action(async (options) => exit(await schedulerCommand(options)));
  const schedule = program.command('schedule').description('inspect the jobs of the application');
  schedule
    .command('list')
    .description('list the jobs with their next runs')
    .option('-a, --app <module>', 'module that defines the tasks and jobs')
    .option('--json', HELP.json, false)
    .action(async (options) => exit(await scheduleListCommand(options)));
  addQueueCommands(program, exit);
  const workers = addWorkerCommands(program, exit);
  const dead = addDeadCommands(program, exit);
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
  addDashboardCommand(program, exit);
  program
    .command('doctor')
    .description('check settings, application, broker and queues')
    .option('-a, --app <module>', HELP.app)
    .option('--broker <url>', HELP.broker)
    .option('--json', HELP.json, false)
    .option('--repair', 'first repair what other clients damaged in the data of the broker', false)
    .action(async (options) => exit(await doctorCommand(options)));
  const groups = [program, schedule, dead, workers];
  for (const group of groups) addHelp(group);
  for (const command of groups.flatMap((group) => group.commands)) command.exitOverride();
  return program;
}
