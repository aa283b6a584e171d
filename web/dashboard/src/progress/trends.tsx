/** How it went: the predicted score over time, and practice by day. */

import type { Payloads } from "@bonsai/client";
import { type ReactNode, useMemo } from "react";
import { Chart, type Line } from "../charts/chart.tsx";
import { Badge, Card, Segments } from "../ui/index.ts";
import { TOTAL_RANGE } from "./domains.ts";
import { change, dayTime, duration, percent, scoreSeries, signed } from "./figures.ts";

export const SPANS = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
] as const;
export type Span = (typeof SPANS)[number]["value"];

const DAY = 86_400_000;
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const shortDay = (time: number): string => day.format(time);
const longDay = (time: number): string => weekday.format(time);
const whole = (value: number): string => String(Math.round(value));

export function Trends(props: {
  progress: Payloads.AnalyticsProgress | undefined;
  score: Payloads.AnalyticsScore | undefined;
  span: Span;
  setSpan: (span: Span) => void;
}): ReactNode {
  const { progress, score, span, setSpan } = props;
  return (
    <section className="trends" aria-labelledby="trends">
      <header className="section-head">
        <h2 id="trends">Over time</h2>
        <Segments label="Days shown" options={SPANS} value={span} onChange={setSpan} />
      </header>
      <div className="columns">
        <ScoreTrend progress={progress} score={score} days={Number(span)} />
        <Practice progress={progress} days={Number(span)} />
      </div>
    </section>
  );
}

function ScoreTrend(props: {
  progress: Payloads.AnalyticsProgress | undefined;
  score: Payloads.AnalyticsScore | undefined;
  days: number;
}): ReactNode {
  const { progress, score, days } = props;
  const goal = progress?.goal.total;
  // A minute is fine enough, and keeps the chart from being made anew all the time.
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const since = now - days * DAY;
  const past = progress?.scores;
  const { times, total, low, high } = useMemo(
    () => scoreSeries(past ?? [], score, now, since),
    [past, score, now, since],
  );
  const moved = change(total);
  const lines: Line[] = [
    { label: "Predicted", tone: "accent", values: total },
    { label: "Low", tone: "accent", values: low, look: "edge" },
    { label: "High", tone: "accent", values: high, look: "edge" },
    ...(goal ? [{ label: "Goal", tone: "series-3", values: times.map(() => goal), dashed: true } satisfies Line] : []),
  ];
  const least = Math.min(...low, goal ?? Infinity);
  const most = Math.max(...high, goal ?? 0);
  const range = [Math.max(TOTAL_RANGE[0], least - 60), Math.min(TOTAL_RANGE[1], most + 60)] as const;
  return (
    <Card
      title="Score by day"
      aside={moved !== undefined && <Badge tone={moved >= 0 ? "good" : "warn"}>{signed(moved)} points</Badge>}
    >
      {times.length > 1 ? (
        <Chart
          summary={`Predicted score over ${days} days, from ${total[0]} to ${total.at(-1)}, with your level's range`}
          times={times}
          lines={lines}
          bands={[{ upper: 2, lower: 1, tone: "accent", alpha: 0.14 }]}
          range={range}
          smooth
          format={whole}
          timeFormat={longDay}
          axisTimeFormat={shortDay}
        />
      ) : (
        <Empty>Practise on two days, and the line begins here.</Empty>
      )}
    </Card>
  );
}

function Practice({ progress, days }: { progress: Payloads.AnalyticsProgress | undefined; days: number }): ReactNode {
  const rows = progress?.days;
  const times = useMemo(() => (rows ?? []).map(({ date }) => dayTime(date)), [rows]);
  const totals = progress?.totals;
  const lines: Line[] = [
    { label: "Answers", tone: "line", values: (rows ?? []).map(({ answered }) => answered), look: "bars" },
    { label: "Right", tone: "accent", values: (rows ?? []).map(({ correct }) => correct), look: "bars" },
  ];
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? 0;
  return (
    <Card
      title="Practice by day"
      aside={
        totals?.answered ? (
          <Badge>
            {totals.answered} answers · {duration(totals.seconds)} · {percent(totals.accuracy)} right
          </Badge>
        ) : undefined
      }
    >
      {totals?.answered ? (
        <Chart
          summary={`Answers by day over ${days} days: ${totals.answered} in all, ${percent(totals.accuracy)} right`}
          times={times}
          lines={lines}
          span={[first - DAY / 2, last + DAY / 2]}
          atLeast={10}
          format={whole}
          timeFormat={longDay}
          axisTimeFormat={shortDay}
        />
      ) : (
        <Empty>No practice in these days yet.</Empty>
      )}
    </Card>
  );
}

function Empty({ children }: { children: ReactNode }): ReactNode {
  return <p className="empty soft">{children}</p>;
}
