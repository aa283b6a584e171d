/** What the Operations view keeps of the figures that come each second: plain data. Times are ms since the epoch. */

import type { Payloads } from "@bonsai/client";

type Figures = Payloads.DashboardFigures;
export type Entry = Payloads.DashboardLogEntry & { key: number };

/** Seconds that the charts go back. */
export const WINDOW = 120;
/** Seconds whose mean a point of the rate is. */
const MEAN = 5;
/** Seconds that the table of events looks back. */
export const RECENT = 10;
/** Lines that the log keeps. */
export const MOST_LINES = 500;

/** The newest figures of one process, oldest first. */
export interface History {
  figures: readonly Figures[];
  log: readonly Entry[];
  /** Answers that the log has left out. */
  skipped: number;
  nextKey: number;
}

export const EMPTY: History = { figures: [], log: [], skipped: 0, nextKey: 1 };

/** The history with one more; another process begins a new one. */
export function add(history: History, figures: Figures): History {
  const known = history.figures.at(-1)?.node === figures.node ? history : EMPTY;
  const since = figures.at - WINDOW * 1000;
  let { nextKey } = known;
  const entries = figures.log.map((entry) => ({ ...entry, key: nextKey++ }));
  return {
    figures: [...known.figures.filter(({ at }) => at > since), figures],
    log: [...known.log, ...entries].slice(-MOST_LINES),
    skipped: known.skipped + figures.skipped,
    nextKey,
  };
}

/** What happened in a second, on average of an interval. */
export function perSecond(count: number, intervalMs: number): number {
  return intervalMs > 0 ? (count * 1000) / intervalMs : 0;
}

/** The series of the charts. */
export function series(figures: readonly Figures[]): {
  times: number[];
  answered: number[];
  errors: number[];
  p50: (number | undefined)[];
  p95: (number | undefined)[];
  p99: (number | undefined)[];
} {
  return {
    times: figures.map(({ at }) => at),
    answered: rates(figures, ({ answered }) => answered),
    errors: rates(figures, ({ errors }) => errors),
    p50: figures.map(({ latency }) => latency?.p50),
    p95: figures.map(({ latency }) => latency?.p95),
    p99: figures.map(({ latency }) => latency?.p99),
  };
}

function rates(figures: readonly Figures[], count: (figures: Figures) => number): number[] {
  return figures.map((_, index) => {
    const some = figures.slice(Math.max(0, index - MEAN + 1), index + 1);
    const ms = some.reduce((sum, { intervalMs }) => sum + intervalMs, 0);
    return perSecond(
      some.reduce((sum, one) => sum + count(one), 0),
      ms,
    );
  });
}

/** One event in the newest seconds. */
export interface EventRow {
  event: string;
  perSecond: number;
  count: number;
  errors: number;
  bytes: number;
  /** Of the busiest seconds: medians are weighted by count, the others are the highest. */
  p50: number;
  p95: number;
  p99: number;
}

/** Events of the newest seconds, most frequent first. */
export function eventRows(figures: readonly Figures[], recent = RECENT): EventRow[] {
  const newest = figures.slice(-recent);
  const seconds = newest.reduce((sum, { intervalMs }) => sum + intervalMs, 0) / 1000;
  const rows = new Map<string, EventRow>();
  for (const { event, count, errors, bytes, latency } of newest.flatMap(({ events }) => events)) {
    const row = rows.get(event) ?? { event, perSecond: 0, count: 0, errors: 0, bytes: 0, p50: 0, p95: 0, p99: 0 };
    row.p50 = (row.p50 * row.count + latency.p50 * count) / (row.count + count);
    row.p95 = Math.max(row.p95, latency.p95);
    row.p99 = Math.max(row.p99, latency.p99);
    row.count += count;
    row.errors += errors;
    row.bytes += bytes;
    row.perSecond = seconds ? row.count / seconds : 0;
    rows.set(event, row);
  }
  return [...rows.values()].sort((one, other) => other.count - one.count || one.event.localeCompare(other.event));
}

/** The figures of the newest seconds together. */
export function recentTotals(
  figures: readonly Figures[],
  recent = RECENT,
): { perSecond: number; errors: number; share: number } {
  const newest = figures.slice(-recent);
  const answered = newest.reduce((sum, one) => sum + one.answered, 0);
  const errors = newest.reduce((sum, one) => sum + one.errors, 0);
  const ms = newest.reduce((sum, one) => sum + one.intervalMs, 0);
  return { perSecond: perSecond(answered, ms), errors, share: answered ? errors / answered : 0 };
}

export type Outcomes = "all" | "errors";

/** The lines that a filter lets through, newest first. Words are looked for in event, user and outcome; all must be there. */
export function filterLog(log: readonly Entry[], text: string, outcomes: Outcomes, most: number): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found: Entry[] = [];
  for (let index = log.length - 1; index >= 0 && found.length < most; index--) {
    const entry = log[index] as Entry;
    if (outcomes === "errors" && entry.outcome === "ack") continue;
    const line = `${eventName(entry.event)} ${entry.user} ${entry.outcome}`.toLowerCase();
    if (words.every((word) => line.includes(word))) found.push(entry);
  }
  return found;
}

/** An event's name as it is shown. */
export function eventName(event: string): string {
  return event || "(unknown event)";
}

/** A count of bytes: 312 B, 4.1 KiB. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds with as many digits as say something: 0.42, 7.3, 120. */
export function ms(value: number): string {
  return value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** A rate: 0.4, 12, 1 340. */
export function rate(value: number): string {
  return value && value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString();
}

/** How long it has been up: 42 s, 7 min, 3 h 5 min, 2 d 4 h. */
export function uptime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${seconds} s`;
}
