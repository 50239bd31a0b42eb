/** Help texts of options that several commands have. */
export const HELP = {
  app: 'module that defines the tasks',
  broker: 'broker URL, instead of TASK_BROKER_URL',
  json: 'print JSON',
  queuesOf: 'application whose queues to use, if the server cannot list queues',
  watch: 'redraw every second',
} as const;
