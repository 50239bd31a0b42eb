export { type BrokkrModuleOptions, brokkrModule } from './brokkr-module.ts';
export { BROKER, RETRY_POLICY, TASK_CONTEXT, TASK_MANAGER, WORKER } from './identifiers.ts';
export { task, type TaskMethodOptions } from './task-decorator.ts';
export { type TaskClass, type TasksOf, tasksOf } from './tasks-of.ts';
