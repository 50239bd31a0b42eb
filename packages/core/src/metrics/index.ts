/** For programs that serve the metrics and the health of Brokkr by HTTP. */

export { type MonitorRequest, type MonitorResponse, type MonitorSource, monitor } from './monitor.ts';
export { mergeMetrics } from './merge-metrics.ts';
export type { HistogramSample, Labels, MetricFamily, NumberSample } from './metric-family.ts';
export { dueSince, queueFamilies } from './queue-families.ts';
export { CONTENT_TYPES, type MetricsFormat, writeMetrics } from './write-metrics.ts';
export { single } from './make-family.ts';
export type { HealthReason, WorkerHealth } from '../worker/worker.ts';
