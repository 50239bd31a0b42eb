import type { Command } from 'commander';
import { dashboardCommand } from '../dashboard/dashboard.ts';
import type { Exit } from '../exit.ts';
import { port } from './port.ts';

/** Adds `dashboard`. */
export function addDashboardCommand(program: Command, exit: Exit): void {
  program
    .command('dashboard')
    .description('serve a page for queues, messages, workers and dead letters, until SIGINT, SIGTERM or SIGHUP')
    .option('-a, --app <module>', 'application whose queues and schedules to show')
    .option('--url <urls...>', 'brokers to show, instead of TASK_BROKER_URL: redis://…, or with a name: prod=redis://…')
    .option('--port <port>', 'port to serve on', port, 4510)
    .option('--host <address>', 'address of the port', '127.0.0.1')
    .option('--auth <user:password>', 'ask for this user and password, instead of a token; or set TASK_DASHBOARD_AUTH')
    .option('--read-only', 'show no button, and refuse changes', false)
    .option('--payloads', 'show values that are hidden by their names, such as password and token', false)
    .action(async (options) => exit(await dashboardCommand(options)));
}
