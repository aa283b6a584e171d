/** A chart of uPlot, as wide as its place, in the theme's colours; what it shows is also there as a table. */

import { type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./charts.css";
import { type Palette, type Tone, usePalette } from "./palette.ts";

/** One series of a chart. */
export interface Line {
  label: string;
  tone: Tone;
  values: readonly (number | null | undefined)[];
  /** `line` (the default), `area`: filled to the bottom; `bars`; `edge`: not drawn, one side of a band. */
  look?: "line" | "area" | "bars" | "edge";
  dashed?: boolean;
  /** How a value reads in the legend and the table; default `format` of the chart. */
  format?: (value: number) => string;
}

/** Properties of `Chart`. */
export interface ChartProps {
  /** What is shown, for screen readers: a sentence with the newest values. */
  summary: string;
  /** Times in ms since the epoch. */
  times: readonly number[];
  lines: readonly Line[];
  /** Pairs of indexes into `lines`: what lies between them is filled. */
  bands?: readonly { upper: number; lower: number; tone: Tone; alpha: number }[];
  height?: number;
  /** The range of the vertical axis; default from 0 to what fits. */
  range?: readonly [number, number] | undefined;
  /** The least that the vertical axis reaches to, where `range` is not given. */
  atLeast?: number;
  /** How a value reads. */
  format: (value: number) => string;
  /** How a value reads at the axis; default as `format`. */
  axisFormat?: (value: number) => string;
  /** How a time reads in the legend and in the table. */
  timeFormat: (time: number) => string;
  /** How a time reads at the axis. */
  axisTimeFormat: (time: number) => string;
  /** Where the horizontal axis begins and ends, ms; default the data's. */
  span?: readonly [number, number] | undefined;
  /** Where the horizontal axis is labelled, ms; default: where it seems good. */
  marks?: readonly number[] | undefined;
  /** Draw curves through the points rather than straight lines. */
  smooth?: boolean;
  /** Rows of the table; the newest are kept. Default all. */
  tableRows?: number;
}

export function Chart(props: ChartProps): ReactNode {
  const { summary, times, lines, timeFormat, format } = props;
  const place = useRef<HTMLDivElement>(null);
  const palette = usePalette();
  const [at, setAt] = useState<number>();
  const latest = useRef(props);
  latest.current = props;
  const chart = useRef<uPlot>(undefined);
  const data = useMemo(() => aligned(times, lines), [times, lines]);
  const newest = useRef(data);
  newest.current = data;
  // What makes another chart of it; data alone does not.
  const shape = JSON.stringify([
    lines.map(({ label, tone, look, dashed }) => [label, tone, look, dashed]),
    props.bands,
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: shape stands for the properties that are read through `latest`
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const { height = 220 } = latest.current;
    const width = (): number => Math.max(120, Math.floor(element.clientWidth));
    const made = new uPlot(options(latest, palette, width(), height, setAt), newest.current, element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: width(), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [palette, shape]);

  useEffect(() => chart.current?.setData(data), [data]);

  const pointed = at !== undefined && at < times.length ? at : undefined;
  return (
    <figure className="chart">
      <figcaption className="chart-legend" aria-hidden="true">
        {lines.map((line) =>
          line.look === "edge" ? null : (
            <span key={line.label}>
              <i className={`chart-key key-${line.tone}`} data-dashed={line.dashed} />
              {line.label}{" "}
              <b>{text(pointed === undefined ? newestOf(line) : line.values[pointed], line.format ?? format)}</b>
            </span>
          ),
        )}
        {pointed !== undefined && <time>{timeFormat(times[pointed] ?? 0)}</time>}
      </figcaption>
      <div ref={place} className="chart-place" role="img" aria-label={summary} />
      <ChartTable {...props} />
    </figure>
  );
}

/** The same as a table, folded away. Its rows are made only when it is open. */
function ChartTable({ summary, times, lines, format, timeFormat, tableRows = 400 }: ChartProps): ReactNode {
  const [open, setOpen] = useState(false);
  const id = useId();
  const rows = open
    ? times
        .map((_, index) => index)
        .slice(-tableRows)
        .reverse()
    : [];
  return (
    <details className="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show as a table</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <section className="scroller" aria-labelledby={id} tabIndex={0}>
          <table className="table">
            <caption id={id} className="sr-only">
              {summary}
            </caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map(({ label }) => (
                  <th key={label} scope="col" className="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((index) => (
                <tr key={times[index]}>
                  <th scope="row">{timeFormat(times[index] ?? 0)}</th>
                  {lines.map((line) => (
                    <td key={line.label} className="number">
                      {text(line.values[index], line.format ?? format)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

function text(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

function newestOf({ values }: Line): number | null | undefined {
  return values.findLast((value) => value !== null && value !== undefined);
}

function aligned(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...lines.map(({ values }) => [...values])] as uPlot.AlignedData;
}

/** Room for the vertical axis' numbers, in CSS pixels. */
const AXIS = 44;
const FONT = '12px "Inter Variable", system-ui, sans-serif';

function options(
  latest: { readonly current: ChartProps },
  palette: Palette,
  width: number,
  height: number,
  setAt: (index: number | undefined) => void,
): uPlot.Options {
  const { lines, bands = [] } = latest.current;
  const soft = palette("text-soft");
  const axis: uPlot.Axis = {
    stroke: soft,
    font: FONT,
    ticks: { show: false },
    grid: { stroke: palette("line"), width: 1 },
  };
  return {
    width,
    height,
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: {
      x: true,
      y: false,
      drag: { x: false, y: false },
      points: { size: 7, width: 2, fill: palette("accent") },
    },
    hooks: { setCursor: [({ cursor }) => setAt(cursor.idx ?? undefined)] },
    scales: {
      x: {
        time: true,
        range: (_, low, high) => {
          const { span } = latest.current;
          return span ? [span[0] / 1000, span[1] / 1000] : [low, high === low ? low + 1 : high];
        },
      },
      y: {
        range: (_, _low, high) => {
          const { range, atLeast = 1 } = latest.current;
          return range ? [range[0], range[1]] : [0, Math.max(atLeast, (high ?? 0) * 1.12)];
        },
      },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 72,
        ...(latest.current.marks && { splits: () => (latest.current.marks ?? []).map((mark) => mark / 1000) }),
        values: (_, splits) => splits.map((split) => latest.current.axisTimeFormat(split * 1000)),
      },
      {
        ...axis,
        size: AXIS,
        space: 40,
        values: (_, splits) => splits.map((split) => (latest.current.axisFormat ?? latest.current.format)(split)),
      },
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, palette, latest.current.smooth ?? false))],
    bands: bands.map(({ upper, lower, tone, alpha }) => ({
      series: [upper + 1, lower + 1] as [number, number],
      fill: palette(tone, alpha),
    })),
  };
}

function seriesOf({ label, tone, look = "line", dashed }: Line, palette: Palette, smooth: boolean): uPlot.Series {
  const color = palette(tone);
  if (look === "bars") {
    const paths = uPlot.paths.bars?.({ size: [0.62, 28, 2], radius: 0.18 });
    return { label, fill: color, width: 0, points: { show: false }, ...(paths && { paths }) };
  }
  const paths = smooth ? uPlot.paths.spline?.() : uPlot.paths.linear?.();
  return {
    label,
    stroke: look === "edge" ? "transparent" : color,
    width: look === "edge" ? 0 : 2,
    points: { show: false },
    spanGaps: look !== "area",
    ...(paths && { paths }),
    ...(look === "area" && { fill: palette(tone, 0.12) }),
    ...(dashed && { dash: [5, 5] }),
  };
}
