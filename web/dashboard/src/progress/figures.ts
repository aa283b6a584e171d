/** What the Progress view makes of the server's numbers: plain functions. Shares are 0..1, times ms since the epoch. */

import type { Payloads } from "@bonsai/client";
import { SECTIONS } from "./domains.ts";

/** A skill in the mastery table; `known` is undefined until the student has practised it. */
export interface SkillRow {
  skill: string;
  known: Payloads.AnalyticsSkillMastery | undefined;
}

/** Skills under their domain. */
export interface DomainRows {
  domain: string;
  rows: SkillRow[];
}

/** Skills under their section; skills that are none of the test's come last, under "Other". */
export interface SectionRows {
  section: string;
  domains: DomainRows[];
  practised: number;
  skills: number;
}

export type Order = "test" | "weakest";

/** Every skill of the test, and whatever else was practised, in the test's order or the weakest first. */
export function masteryRows(bySkill: Record<string, Payloads.AnalyticsSkillMastery>, order: Order): SectionRows[] {
  const left = new Set(Object.keys(bySkill));
  const sections = SECTIONS.map(({ name, domains }) => {
    const found = domains.map(({ name: domain, skills }) => ({
      domain,
      rows: skills.map((skill): SkillRow => {
        left.delete(skill);
        return { skill, known: bySkill[skill] };
      }),
    }));
    return sectionRows(name, found, order);
  });
  if (!left.size) return sections;
  const rows = [...left].sort().map((skill): SkillRow => ({ skill, known: bySkill[skill] }));
  return [...sections, sectionRows("Other", [{ domain: "Outside the test", rows }], order)];
}

function sectionRows(section: string, domains: DomainRows[], order: Order): SectionRows {
  const all = domains.flatMap(({ rows }) => rows);
  const practised = all.filter(({ known }) => known).length;
  const shown = order === "test" ? domains : [{ domain: "Weakest first", rows: [...all].sort(byMastery) }];
  return { section, domains: shown, practised, skills: all.length };
}

function byMastery(one: SkillRow, other: SkillRow): number {
  return (one.known?.mastery ?? 2) - (other.known?.mastery ?? 2);
}

/** How a mastery reads in words: the chance of a right answer to a question of middling difficulty. */
export function masteryWord({ low, high }: { low: number; high: number }): "strong" | "steady" | "shaky" | "open" {
  if (low >= 0.7) return "strong";
  if (high <= 0.5) return "shaky";
  return high - low > 0.45 ? "open" : "steady";
}

/** How a pace reads; `ratio` is the time that the test allows over the time taken. */
export function paceWords(ratio: number): string {
  if (ratio >= 1.25) return "well ahead of the clock";
  if (ratio >= 1.03) return "a little ahead of the clock";
  if (ratio > 0.97) return "on the clock";
  if (ratio > 0.8) return "a little behind the clock";
  return "well behind the clock";
}

/** Predicted totals over time: days past, and now. */
export interface ScoreSeries {
  times: number[];
  total: number[];
  low: number[];
  high: number[];
}

/** What the score chart shows. Days past come once a day, so the newest may be older than `now` by some days. */
export function scoreSeries(
  past: readonly Payloads.AnalyticsPastScore[],
  score: Payloads.AnalyticsScore | undefined,
  now: number,
  since: number,
): ScoreSeries {
  const points = past.filter(({ at }) => at >= since && at <= now);
  const { total, low, high } = score ?? {};
  if (total !== undefined && low !== undefined && high !== undefined) points.push({ at: now, total, low, high });
  return {
    times: points.map(({ at }) => at),
    total: points.map((point) => point.total),
    low: points.map((point) => point.low),
    high: points.map((point) => point.high),
  };
}

/** A day as `YYYY-MM-DD`, at its local noon, so that no change of clocks moves it. */
export function dayTime(date: string): number {
  const [year = 1970, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day, 12).getTime();
}

/** Days in a row with practice, up to today or, before today's, yesterday. */
export function dayStreak(days: readonly Payloads.AnalyticsDay[]): number {
  const practised = days.map(({ answered }) => answered > 0).reverse();
  const first = practised[0] ? 0 : 1;
  let streak = 0;
  for (let index = first; practised[index]; index++) streak++;
  return streak;
}

/** What changed since the first of the series: +30, -10; undefined with fewer than two. */
export function change(values: readonly number[]): number | undefined {
  const [first, last] = [values[0], values.at(-1)];
  return values.length > 1 && first !== undefined && last !== undefined ? last - first : undefined;
}

/** Seconds as `41 s` or `2 min 5 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
}

/** As people read it; what is not quite nothing or everything does not read as such. */
export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "<\u00a01\u00a0%";
  if (share < 1 && share > 0.995) return ">\u00a099\u00a0%";
  return `${Math.round(share * 100)}\u00a0%`;
}

/** With a sign, a real minus for less. */
export function signed(value: number): string {
  return value > 0 ? `+${value}` : value < 0 ? `−${-value}` : "±0";
}
