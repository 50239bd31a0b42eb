import { readReport, type WorkerReport } from '@brokkr/core/adapter';
import type { ConsumeMessage, Options } from 'amqplib';

/** How long workers answer after a call. */
export const ANSWER_MS = 30_000;
/** Longest time that a report of another process is kept. */
const LONGEST_TTL_MS = 300_000;
const MOST_WORKERS = 100_000;

const CALL = 'call';
const REPORT = 'report';
const RETIRED = 'retired';

/** A viewer asks for reports for `forMs`, and says how many workers it saw. */
export interface ReportCall {
  readonly forMs: number;
  readonly workers: number;
}

/** A worker's report, as old as `ageMs` when it was sent, to be forgotten after `ttlMs`; or the end of a worker. */
export type ReportNotice =
  | { readonly report: WorkerReport; readonly ageMs: number; readonly ttlMs: number }
  | { readonly retired: string };

export function callProperties({ forMs, workers }: ReportCall): Options.Publish {
  return { type: CALL, headers: { 'for-ms': forMs, workers } };
}

/** @returns `undefined` for a message of another program */
export function readCall({ properties }: ConsumeMessage): ReportCall | undefined {
  if (properties.type !== CALL) return undefined;
  const { 'for-ms': forMs, workers } = (properties.headers ?? {}) as Readonly<Record<string, unknown>>;
  return { forMs: bounded(forMs, ANSWER_MS), workers: bounded(workers, MOST_WORKERS) };
}

export function reportProperties(ageMs: number, ttlMs: number): Options.Publish {
  return { type: REPORT, headers: { 'age-ms': Math.round(ageMs), 'ttl-ms': Math.round(ttlMs) } };
}

export const RETIRED_PROPERTIES: Options.Publish = { type: RETIRED };

/** @returns `undefined` for a message of another program */
export function readNotice({ properties, content }: ConsumeMessage): ReportNotice | undefined {
  if (properties.type === RETIRED) return { retired: content.toString() };
  if (properties.type !== REPORT) return undefined;
  const report = readReport(content.toString());
  if (report === undefined) return undefined;
  const headers = (properties.headers ?? {}) as Readonly<Record<string, unknown>>;
  return {
    report,
    ageMs: bounded(headers['age-ms'], LONGEST_TTL_MS),
    ttlMs: bounded(headers['ttl-ms'], LONGEST_TTL_MS),
  };
}

function bounded(value: unknown, most: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.min(most, Math.max(0, value)) : 0;
}
