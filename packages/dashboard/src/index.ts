export { createDashboard, type Dashboard } from './dashboard.ts';
export type { DashboardOptions } from './options.ts';
export type { Access, AccessRule, Level } from './access/access-rule.ts';
export { basicAuth, type BasicAuthUser } from './access/basic-auth.ts';
export { bearer, type BearerToken } from './access/bearer.ts';
export { tokenLogin, type TokenLogin } from './access/token-login.ts';
export type { Redact, RedactWhere } from './payload/redactor.ts';
export type { Action } from './routes/handled.ts';
export type { JobLike, SchedulerLike } from './source/scheduler-like.ts';
export type { NodeRequest } from './http/node-handler.ts';

// The answers of the HTTP API.
export type {
  BulkJob,
  BulkRequest,
  BulkStarted,
  Confirmed,
  Done,
  IdsRequest,
  LetterQuery,
  MoveRequest,
  QuietRequest,
} from './api/action-types.ts';
export type { LiveEvent, LiveRows, Topic } from './api/live-types.ts';
export type {
  AttemptRow,
  DeadGroup,
  DeadGroups,
  FoundRow,
  HeaderRow,
  Look,
  LookRequest,
  MessageDetail,
  MessageRow,
  MessageState,
  MessagesPage,
  ShownError,
} from './api/message-types.ts';
export type { AsOf, Counts, History, Overview, QueueRow, ScheduleRow, Warning } from './api/queue-types.ts';
export type { Ability, BrokerInfo, ErrorBody, Listed, LoginRequest, Rights, Session } from './api/session-types.ts';
export type { RunningRow, TaskRow, WorkerRow } from './api/worker-types.ts';
