/** What the Operations view keeps of the figures that come each second. */

import type { Payloads } from "@bonsai/client";
import { expect, test } from "vitest";
import {
  add,
  bytes,
  EMPTY,
  type Entry,
  eventRows,
  filterLog,
  type History,
  MOST_LINES,
  ms,
  rate,
  recentTotals,
  series,
  uptime,
  WINDOW,
} from "../src/operations/history.ts";

type Figures = Payloads.DashboardFigures;

function figures(at: number, more: Partial<Figures> = {}): Figures {
  return {
    node: "n1",
    at,
    intervalMs: 1000,
    uptimeMs: at,
    ready: true,
    draining: false,
    store: "ok",
    connections: 1,
    joined: 1,
    sessions: 1,
    rooms: 2,
    opened: 0,
    closed: 0,
    answered: 0,
    errors: 0,
    events: [],
    outbox: { bytes: 0, dropped: 0 },
    plugins: [],
    log: [],
    skipped: 0,
    ...more,
  };
}

function entry(user: string, event = "a:b", outcome = "ack"): Payloads.DashboardLogEntry {
  return { at: 1, event, user, outcome, ms: 1, bytes: 10 };
}

const latency = { p50: 1, p95: 2, p99: 3 };

test("it goes back as far as the charts do, and its log has a bound", () => {
  let history: History = EMPTY;
  for (let second = 1; second <= WINDOW + 30; second++) {
    history = add(history, figures(second * 1000, { log: Array.from({ length: 10 }, () => entry("ada")), skipped: 2 }));
  }
  expect(history.figures).toHaveLength(WINDOW);
  expect(history.log).toHaveLength(MOST_LINES);
  expect(history.skipped).toBe(2 * (WINDOW + 30));
  expect(new Set(history.log.map(({ key }) => key)).size).toBe(MOST_LINES);
});

test("another process begins another history", () => {
  const one = add(EMPTY, figures(1000, { log: [entry("ada")] }));
  const other = add(one, figures(2000, { node: "n2", log: [entry("bob")] }));
  expect(other.figures).toHaveLength(1);
  expect(other.log.map(({ user }) => user)).toEqual(["bob"]);
});

test("rates are means of five seconds; a second without answers has no latency", () => {
  const some = [5, 0, 0, 0, 0, 0].map((answered, index) =>
    figures(index * 1000, { answered, ...(answered && { latency }) }),
  );
  const { answered, p50 } = series(some);
  expect(answered).toEqual([5, 2.5, 5 / 3, 1.25, 1, 0]);
  expect(p50).toEqual([1, undefined, undefined, undefined, undefined, undefined]);
});

test("events of the newest seconds are put together by name", () => {
  const one = { event: "a:b", count: 30, errors: 3, bytes: 300, latency: { p50: 1, p95: 2, p99: 9 } };
  const other = { event: "a:b", count: 10, errors: 0, bytes: 100, latency: { p50: 5, p95: 6, p99: 7 } };
  const rows = eventRows(
    [
      figures(0, { events: [{ ...one, event: "old:one" }] }),
      figures(1000, { events: [one, { ...other, event: "c:d", count: 1 }] }),
      figures(2000, { events: [other] }),
    ],
    2,
  );
  expect(rows.map(({ event }) => event)).toEqual(["a:b", "c:d"]);
  expect(rows[0]).toEqual({ event: "a:b", perSecond: 20, count: 40, errors: 3, bytes: 400, p50: 2, p95: 6, p99: 9 });
});

test("totals of the newest seconds have the share of errors", () => {
  const some = [figures(0, { answered: 6, errors: 1 }), figures(1000, { answered: 4, errors: 1 })];
  expect(recentTotals(some)).toEqual({ perSecond: 5, errors: 2, share: 0.2 });
  expect(recentTotals([])).toEqual({ perSecond: 0, errors: 0, share: 0 });
});

test("the log is filtered by all words, by errors, and shows the newest first", () => {
  const log = [
    entry("ada", "analytics:performance"),
    entry("bob", "analytics:performance", "rate_limited"),
    entry("ada", "", "unknown_event"),
    entry("ada", "coaching:hint"),
  ].map((one, key): Entry => ({ ...one, key }));
  const keys = (...args: Parameters<typeof filterLog>) => filterLog(...args).map(({ key }) => key);
  expect(keys(log, "", "all", 100)).toEqual([3, 2, 1, 0]);
  expect(keys(log, "", "all", 2)).toEqual([3, 2]);
  expect(keys(log, "", "errors", 100)).toEqual([2, 1]);
  expect(keys(log, " ADA anal ", "all", 100)).toEqual([0]);
  expect(keys(log, "limited", "all", 100)).toEqual([1]);
  expect(keys(log, "unknown event", "all", 100)).toEqual([2]);
  expect(keys(log, "nobody", "all", 100)).toEqual([]);
});

test("sizes, times and rates read well", () => {
  expect([0, 1023, 1024, 1536, 150 * 1024, 3 * 1024 ** 2].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "150 KiB",
    "3.0 MiB",
  ]);
  expect([0.123, 7.26, 119.6].map(ms)).toEqual(["0.12", "7.3", "120"]);
  expect([0, 0.44, 12.4].map(rate)).toEqual(["0", "0.4", "12"]);
  expect([42_000, 420_000, 11_100_000, 187_200_000].map(uptime)).toEqual(["42 s", "7 min", "3 h 5 min", "2 d 4 h"]);
});
