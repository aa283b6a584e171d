/** Events a second, and the quantiles of their latencies, over the last two minutes. */

import type { Payloads } from "@bonsai/client";
import { type ReactNode, useMemo } from "react";
import { Chart } from "../charts/chart.tsx";
import { Card } from "../ui/index.ts";
import { ms, rate, series, WINDOW } from "./history.ts";

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
export const timeOfDay = (time: number): string => clock.format(time);
const TABLE_ROWS = 30;
/** Seconds before now at which the charts are labelled. */
const MARKS = [WINDOW, 90, 60, 30, 0];
const ago = (seconds: number): string => (seconds < 1 ? "now" : `−${Math.round(seconds)} s`);

export function Charts({ figures }: { figures: readonly Payloads.DashboardFigures[] }): ReactNode {
  const { times, answered, errors, p50, p95, p99 } = useMemo(() => series(figures), [figures]);
  const last = times.at(-1) ?? Date.now();
  const shared = {
    times,
    span: [last - WINDOW * 1000, last] as const,
    height: 200,
    timeFormat: timeOfDay,
    marks: MARKS.map((seconds) => last - seconds * 1000),
    axisTimeFormat: (time: number) => ago((last - time) / 1000),
    axisFormat: (value: number) => String(Number(value.toFixed(1))),
    tableRows: TABLE_ROWS,
  };
  return (
    <div className="columns">
      <Card title="Events a second">
        <Chart
          {...shared}
          summary={`Events a second over two minutes; now ${rate(answered.at(-1) ?? 0)}, of which ${rate(errors.at(-1) ?? 0)} refused or failed`}
          lines={[
            { label: "Answered", tone: "accent", values: answered, look: "area" },
            { label: "Refused or failed", tone: "bad", values: errors },
          ]}
          atLeast={4}
          format={rate}
        />
      </Card>
      <Card title="Latency, milliseconds">
        <Chart
          {...shared}
          summary={`Latency over two minutes; median now ${text(p50.at(-1))}, p95 ${text(p95.at(-1))}, p99 ${text(p99.at(-1))} milliseconds`}
          lines={[
            { label: "p50", tone: "accent", values: p50 },
            { label: "p95", tone: "series-2", values: p95 },
            { label: "p99", tone: "series-4", values: p99 },
          ]}
          atLeast={5}
          format={ms}
        />
      </Card>
    </div>
  );
}

function text(value: number | undefined): string {
  return value === undefined ? "unknown" : ms(value);
}
