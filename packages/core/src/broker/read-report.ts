import { PAGE_LIMIT } from './page-messages.ts';
import type { Histogram, RunningTask, SuspectReport, TaskTotals, WorkerReport } from './worker-report.ts';

/** Longest report, in characters: five times as long as 200 tasks with long names need. */
const LONGEST = 1_048_576;
const STATES: readonly unknown[] = ['running', 'quiet', 'stopping'] satisfies readonly WorkerReport['state'][];

type Fields = Readonly<Record<string, unknown>>;

/** Reads the report of a worker from JSON that another process wrote; `undefined` if it is not a report. */
export function readReport(text: string): WorkerReport | undefined {
  if (text.length > LONGEST) return undefined;
  try {
    const report: unknown = JSON.parse(text);
    return isReport(report) ? report : undefined;
  } catch {
    return undefined;
  }
}

function isReport(value: unknown): value is WorkerReport {
  return (
    isObject(value) &&
    isText(value.id) &&
    isText(value.host) &&
    isText(value.version) &&
    areNumbers(value, ['pid', 'startedAt', 'concurrency', 'runningCount', 'rssBytes', 'loopDelayMs']) &&
    STATES.includes(value.state) &&
    isObject(value.queues) &&
    Object.values(value.queues).every(isNumber) &&
    isList(value.paused, isText) &&
    (value.suspect === undefined || isSuspectReport(value.suspect)) &&
    isList(value.running, isRunning) &&
    isList(value.totals, isTotals)
  );
}

function isRunning(value: unknown): value is RunningTask {
  return (
    isObject(value) &&
    isText(value.id) &&
    isText(value.task) &&
    isText(value.queue) &&
    areNumbers(value, ['attempt', 'startedAt'])
  );
}

function isSuspectReport(value: unknown): value is SuspectReport {
  return (
    isObject(value) &&
    isText(value.id) &&
    isText(value.task) &&
    isText(value.queue) &&
    areNumbers(value, ['crashes', 'since']) &&
    typeof value.runs === 'boolean'
  );
}

function isTotals(value: unknown): value is TaskTotals {
  return (
    isObject(value) &&
    isText(value.queue) &&
    isText(value.task) &&
    areNumbers(value, ['succeeded', 'retried', 'dead', 'expired', 'cancelled', 'leaseLost']) &&
    isHistogram(value.ran) &&
    isHistogram(value.waited)
  );
}

function isHistogram(value: unknown): value is Histogram {
  return isObject(value) && isNumber(value.sumMs) && isList(value.counts, isNumber);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= PAGE_LIMIT && value.every(isItem);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function areNumbers(value: Fields, names: readonly string[]): boolean {
  return names.every((name) => isNumber(value[name]));
}
