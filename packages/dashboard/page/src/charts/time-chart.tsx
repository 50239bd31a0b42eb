import { useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent, TargetedPointerEvent } from 'preact';
import type { History } from '../../../src/api/types.ts';
import { timeOfDay } from '../text/clock-time.ts';
import { areaPath, linePath, type Point } from './path.ts';
import { linear, logarithmic, type Scale } from './scale.ts';

/** One figure over time. */
export interface Series {
  /** Class that gives it its color: a state, `p95` or `p50`. */
  readonly tone: string;
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly shape: 'line' | 'area' | 'bars';
}

/** Series that share an axis, in a part of the chart's height. */
export interface Lane {
  readonly top: number;
  readonly bottom: number;
  readonly log?: boolean;
  /** What a linear axis reaches at least. */
  readonly least?: number;
  readonly series: readonly Series[];
  /** Text of a value on the axis, and in the readout. */
  readonly text: (value: number) => string;
  /** Text of the axis alone, if it differs. */
  readonly tick?: (value: number) => string;
  /** In place of the axis' figures. */
  readonly unit?: string;
}

interface Props {
  readonly title: string;
  readonly history: History;
  /** Minutes that the chart covers, up to now. */
  readonly minutes: number;
  readonly lanes: readonly Lane[];
  /** An event, drawn as a dotted line with its text. */
  readonly event?: ChartEvent | undefined;
}

export interface ChartEvent {
  readonly at: number;
  readonly text: string;
}

const LEFT = 44;
const RIGHT = 392;
const TOP = 14;
const BASE = 124;

/**
 * A chart of a history. The row that is not complete, and time before the history began, are hatched. The pointer, or the
 * left and right keys, read out one row.
 */
export function TimeChart({ title, history, minutes, lanes, event }: Props) {
  const { t, since, step, at: end } = history;
  const span = minutes * 60_000;
  const chosen = useSignal<number | undefined>(undefined);
  const count = t.length;
  const place = (time: number) => Math.max(LEFT, Math.min(RIGHT, LEFT + (RIGHT - LEFT) * (1 - (end - time) / span)));
  const x = (index: number) => place((t[index] ?? end) + step * 1_000);
  const at = chosen.value === undefined || count === 0 ? undefined : Math.min(chosen.value, count - 1);
  const blank = place(since);
  const onPointer = (event: TargetedPointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * RIGHT;
    const behind = (1 - (pixel - LEFT) / (RIGHT - LEFT)) * span;
    const nearest = t.findIndex((time) => time + step * 1_000 >= end - behind);
    chosen.value = nearest === -1 ? count - 1 : nearest;
  };
  const onKey = (event: TargetedKeyboardEvent<HTMLElement>) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    chosen.value = Math.max(0, Math.min(count - 1, (chosen.value ?? count) + move));
  };
  const clear = () => {
    chosen.value = undefined;
  };
  const time = at === undefined ? undefined : t[at];
  return (
    <figure class="panel chart" tabIndex={0} onKeyDown={onKey} onBlur={clear}>
      <figcaption>
        <h2>{title}</h2>
        {at === undefined || time === undefined ? (
          lanes.flatMap(({ series }) =>
            series.map(({ tone, name }) => (
              <span key={name} class={`key k-${tone}`}>
                {name}
              </span>
            )),
          )
        ) : (
          <span class="readout" aria-live="polite">
            <b>{timeOfDay(time, false)}</b>
            {lanes.flatMap(({ series, text }) =>
              series.map(({ tone, name, values }) => {
                const value = values[at];
                return (
                  <span key={name} class={`key k-${tone}`}>
                    <span class="sr">{name}</span>
                    {value === null || value === undefined ? '–' : text(value)}
                  </span>
                );
              }),
            )}
          </span>
        )}
      </figcaption>
      <svg
        viewBox="0 0 392 144"
        role="img"
        aria-label={describe(title, lanes)}
        onPointerMove={onPointer}
        onPointerLeave={clear}
      >
        {lanes.map((lane) => (
          <LaneDrawing
            key={lane.bottom}
            lane={lane}
            x={x}
            width={Math.max(1, (RIGHT - LEFT) * ((step * 1_000) / span) * 0.75)}
          />
        ))}
        {blank > LEFT + 1 ? <rect class="hatch" x={LEFT} y={TOP} width={blank - LEFT} height={BASE - TOP} /> : null}
        {blank > LEFT + 170 ? (
          <text class="mk" x={blank - 5} y={66}>
            no history before {timeOfDay(since, false)}
          </text>
        ) : null}
        {count > 1 ? (
          <rect class="hatch" x={x(count - 2)} y={TOP} width={RIGHT - x(count - 2)} height={BASE - TOP} />
        ) : null}
        {event === undefined || event.at < end - span ? null : <EventMark text={event.text} x={place(event.at)} />}
        {at === undefined ? null : <line class="mark" x1={x(at)} x2={x(at)} y1={2} y2={BASE} />}
        <TimeAxis end={end} span={span} place={place} />
      </svg>
    </figure>
  );
}

function EventMark({ text, x }: { text: string; x: number }) {
  // The text is on the side that has the room.
  const isLate = x > (LEFT + RIGHT) / 2;
  return (
    <g>
      <line class="event" x1={x} x2={x} y1={2} y2={BASE} />
      <text class={isLate ? 'mk' : 'mk from'} x={isLate ? x - 5 : x + 5} y={10}>
        {text}
      </text>
    </g>
  );
}

/** What screen readers read in place of the drawing. */
function describe(title: string, lanes: readonly Lane[]): string {
  const last = lanes.flatMap(({ series, text }) =>
    series.map(({ name, values }) => {
      const value = values.findLast((each) => each !== null);
      return `${name} ${value === null || value === undefined ? 'not known' : text(value)}`;
    }),
  );
  return `${title}: now ${last.join(', ')}`;
}

function scaleOf({ series, log = false, least, top, bottom }: Lane): Scale {
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  if (!log) return linear(Math.max(0, ...known), bottom, top, least);
  return logarithmic(known.length === 0 ? 10 : Math.min(...known), Math.max(0, ...known), bottom, top);
}

function LaneDrawing({ lane, x, width }: { lane: Lane; x: (index: number) => number; width: number }) {
  const { top, bottom, series, text, tick: tickText = text, unit } = lane;
  const scale = scaleOf(lane);
  return (
    <g>
      <line class="g base" x1={LEFT} x2={RIGHT} y1={bottom} y2={bottom} />
      {unit === undefined ? (
        scale.ticks.map((tick) => {
          const y = scale.place(tick);
          return y < top - 1 ? null : (
            <g key={tick}>
              <line class="g" x1={LEFT} x2={RIGHT} y1={y} y2={y} />
              <text class="ax r" x={LEFT - 6} y={y + 4}>
                {tickText(tick)}
              </text>
            </g>
          );
        })
      ) : (
        <text class="ax r" x={LEFT - 6} y={bottom - 6}>
          {unit}
        </text>
      )}
      {series.map((each) => (
        <SeriesDrawing key={each.name} series={each} x={x} scale={scale} bottom={bottom} width={width} />
      ))}
    </g>
  );
}

interface SeriesProps {
  readonly series: Series;
  readonly x: (index: number) => number;
  readonly scale: Scale;
  readonly bottom: number;
  /** Of a bar. */
  readonly width: number;
}

function SeriesDrawing({ series: { values, shape, tone }, x, scale, bottom, width }: SeriesProps) {
  const points = values.map((value, index): Point => (value === null ? undefined : [x(index), scale.place(value)]));
  if (shape !== 'bars') {
    return (
      <>
        {shape === 'area' ? <path class={`ar ${tone}`} d={areaPath(points, bottom)} /> : null}
        <path class={`ln ${tone}`} d={linePath(points)} />
      </>
    );
  }
  return (
    <>
      {points.map((point) =>
        point === undefined || bottom - point[1] < 0.1 ? null : (
          <rect
            key={point[0]}
            class={`br ${tone}`}
            x={Math.max(LEFT, Math.min(RIGHT - width, point[0] - width / 2))}
            y={point[1]}
            width={width}
            height={bottom - point[1]}
          />
        ),
      )}
    </>
  );
}

interface AxisProps {
  readonly end: number;
  readonly span: number;
  readonly place: (time: number) => number;
}

function TimeAxis({ end, span, place }: AxisProps) {
  return (
    <>
      {[0, 0.25, 0.5, 0.75].map((share) => {
        const time = end - span * (1 - share);
        return (
          <text key={share} class={share === 0 ? 'ax' : 'ax m'} x={place(time)} y={140}>
            {timeOfDay(time, false)}
          </text>
        );
      })}
      <text class="ax r" x={RIGHT} y={140}>
        now
      </text>
    </>
  );
}
