/**
 * Every answer of the HTTP API, `api/v1/`, as JSON. The page and the server share these files: they import nothing else.
 *
 * Times are epoch milliseconds of the dashboard's clock, durations are milliseconds, unless a name says otherwise. A figure
 * that the broker cannot know is left out, never zero. `:b` is the name of a broker.
 *
 * | call | answer |
 * |---|---|
 * | `POST login` `LoginRequest` | `Done`, and a cookie; only of `brokkr dashboard`, whose page is opened at `#t=TOKEN` |
 * | `GET session` | `Session`; 401 `UNAUTHENTICATED` without access |
 * | `GET :b/overview` | `Overview` |
 * | `GET :b/queues` | `Listed<QueueRow>` |
 * | `GET :b/queues/:q` | `QueueRow` |
 * | `GET :b/queues/:q/messages?state&after&from&limit&task&error&group&text&since` | `MessagesPage` |
 * | `POST :b/queues/:q/look` `LookRequest` | `MessagesPage` |
 * | `GET :b/queues/:q/messages/:id` | `MessageDetail` |
 * | `GET :b/find?id` | `Listed<FoundRow>` |
 * | `GET :b/workers` | `Listed<WorkerRow>` |
 * | `GET :b/tasks` | `Listed<TaskRow>` |
 * | `GET :b/dead/groups?queue&task&error&since` | `DeadGroups` |
 * | `GET :b/schedules` | `Listed<ScheduleRow>` |
 * | `GET :b/history?queue&task&minutes` | `History` |
 * | `GET :b/bulk` | `Listed<BulkJob>` |
 * | `GET live?broker&topics=overview,queue:pdf` | `text/event-stream` of `LiveEvent` |
 * | `POST :b/queues/:q/pause`, `resume` | `Done` |
 * | `POST :b/queues/:q/purge` `Confirmed` | `Done` |
 * | `POST :b/queues/:q/messages/retry`, `discard`, `promote`, `cancel` `IdsRequest` | `Done` |
 * | `POST :b/queues/:q/messages/move` `MoveRequest` | `Done` |
 * | `POST :b/workers/:id/quiet` `QuietRequest` | `Done` |
 * | `POST :b/schedules/:id/pause`, `resume`, `run` | `Done` |
 * | `POST :b/bulk` `BulkRequest` | 202 `BulkStarted`; 409 `ErrorBody` with `matched` |
 * | `POST :b/bulk/:job/stop` | `Done` |
 *
 * Every `POST` has the header `x-brokkr: 1` and a JSON body, `{}` if it needs none. Every failure is an `ErrorBody`.
 */
export type * from './session-types.ts';
export type * from './queue-types.ts';
export type * from './message-types.ts';
export type * from './worker-types.ts';
export type * from './action-types.ts';
export type * from './live-types.ts';
