import type { History } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { overview } from '../api/live-data.ts';
import { useResource } from '../api/use-resource.ts';
import { percentileText } from '../parts/percentile.tsx';
import { timeOfDay } from '../text/clock-time.ts';
import { count, rate } from '../text/number.ts';
import { type ChartEvent, TimeChart } from './time-chart.tsx';

interface Props {
  readonly broker: string;
  readonly minutes: string;
  readonly queue?: string;
  readonly task?: string;
}

/** The charts of a broker, a queue or a task. */
export function HistoryCharts({ broker, minutes, queue, task }: Props) {
  const span = Number(minutes) || 60;
  const { data } = useResource<History>(apiUrl([broker, 'history'], { queue, task, minutes: span }), 10_000);
  if (data === undefined) return <div class="charts" />;
  return (
    <div class="charts">
      <TimeChart
        title="Done"
        history={data}
        minutes={span}
        event={burstOf(queue, task)}
        lanes={[
          { top: 14, bottom: 84, text: rate, least: 0.3, series: [area('succeeded', 'per second', data.done)] },
          {
            top: 98,
            bottom: 124,
            text: count,
            least: 3,
            unit: '/min',
            series: [
              {
                tone: 'failed',
                name: 'failed per min',
                values: data.failed.map((value) => value && value * 60),
                shape: 'bars',
              },
            ],
          },
        ]}
      />
      {task === undefined ? (
        <TimeChart
          title="Waiting"
          history={data}
          minutes={span}
          lanes={[
            {
              top: 14,
              bottom: 124,
              text: count,
              least: 3,
              series: [area('ready', 'ready', data.ready), line('delayed', 'delayed', data.delayed)],
            },
          ]}
        />
      ) : (
        <Latency title="Run time" history={data} minutes={span} series={[line('p95', 'p95', data.run95)]} />
      )}
      <Latency
        title="Wait before start"
        history={data}
        minutes={span}
        series={[line('p95', 'p95', data.wait95), line('p50', 'p50', data.wait50)]}
      />
    </div>
  );
}

/** When the largest burst of deaths began. */
function burstOf(queue: string | undefined, task: string | undefined): ChartEvent | undefined {
  const bursts = (overview.value?.warnings ?? []).filter(
    (warning) =>
      warning.code === 'DEAD_BURST' &&
      (queue === undefined || warning.queue === queue) &&
      (task === undefined || warning.task === task),
  );
  const [first] = bursts.toSorted((a, b) => (b.count ?? 0) - (a.count ?? 0));
  const at = first?.since;
  return at === undefined ? undefined : { at, text: `first death, ${timeOfDay(at, false)}` };
}

interface LatencyProps {
  readonly title: string;
  readonly history: History;
  readonly minutes: number;
  readonly series: readonly ReturnType<typeof line>[];
}

function Latency({ title, history, minutes, series }: LatencyProps) {
  return (
    <TimeChart
      title={title}
      history={history}
      minutes={minutes}
      lanes={[{ top: 14, bottom: 124, log: true, text: percentileText, tick: powerOfTen, series }]}
    />
  );
}

function line(tone: string, name: string, values: readonly (number | null)[]) {
  return { tone, name, values, shape: 'line' as const };
}

function area(tone: string, name: string, values: readonly (number | null)[]) {
  return { tone, name, values, shape: 'area' as const };
}

/** A tick of an axis of durations: `100 ms`, `10 s`. */
function powerOfTen(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
