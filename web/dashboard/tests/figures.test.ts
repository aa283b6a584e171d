/** What the Progress view makes of the server's numbers. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SECTIONS } from "../src/progress/domains.ts";
import {
  change,
  dayStreak,
  dayTime,
  duration,
  masteryRows,
  masteryWord,
  paceWords,
  percent,
  scoreSeries,
  signed,
} from "../src/progress/figures.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PYTHON = process.env.BONSAI_PYTHON ?? join(ROOT, ".venv/bin/python");
const DAY = 86_400_000;

function known(mastery: number): { mastery: number; low: number; high: number; answered: number } {
  return { mastery, low: mastery - 0.1, high: mastery + 0.1, answered: 5 };
}

test("sections, domains and skills are those of bonsai_core.domain", () => {
  const program = `
import json
from bonsai_core.domain import DOMAINS, Section
print(json.dumps([{"name": s.value, "domains": [{"name": d.name, "skills": d.skills} for d in DOMAINS if d.section is s]}
                  for s in Section]))`;
  const told = execFileSync(PYTHON, ["-c", program], { cwd: ROOT, encoding: "utf8" });
  expect(JSON.parse(told)).toEqual(SECTIONS);
  expect(SECTIONS.flatMap(({ domains }) => domains.flatMap(({ skills }) => skills))).toHaveLength(29);
});

test("every skill of the test has a row, practised or not", () => {
  const [reading, math, ...others] = masteryRows({ Circles: known(0.6), Transitions: known(0.3) }, "test");
  expect(others).toEqual([]);
  expect([reading?.practised, reading?.skills, math?.practised, math?.skills]).toEqual([1, 10, 1, 19]);
  expect(math?.domains.map(({ domain }) => domain)).toEqual([
    "Algebra",
    "Advanced Math",
    "Problem-Solving and Data Analysis",
    "Geometry and Trigonometry",
  ]);
  expect(math?.domains[3]?.rows.find(({ skill }) => skill === "Circles")?.known?.mastery).toBe(0.6);
  expect(math?.domains[0]?.rows.every(({ known: of }) => of === undefined)).toBe(true);
});

test("the weakest skills come first, those that nobody knows of last; skills outside the test are not lost", () => {
  const bySkill = { Circles: known(0.6), Percentages: known(0.2), "Long division": known(0.9) };
  const [, math, other] = masteryRows(bySkill, "weakest");
  const skills = math?.domains.flatMap(({ rows }) => rows.map(({ skill }) => skill)) ?? [];
  expect(skills.slice(0, 2)).toEqual(["Percentages", "Circles"]);
  expect(skills).toHaveLength(19);
  expect(other?.section).toBe("Other");
  expect(other?.domains[0]?.rows[0]?.skill).toBe("Long division");
});

test("a word for a mastery goes by its interval, not by its middle", () => {
  expect(masteryWord({ low: 0.72, high: 0.9 })).toBe("strong");
  expect(masteryWord({ low: 0.2, high: 0.49 })).toBe("shaky");
  expect(masteryWord({ low: 0.5, high: 0.8 })).toBe("steady");
  expect(masteryWord({ low: 0.2, high: 0.9 })).toBe("open");
});

test("a pace has words on both sides of the test's", () => {
  expect([1.3, 1.1, 1, 0.9, 0.5].map(paceWords)).toEqual([
    "well ahead of the clock",
    "a little ahead of the clock",
    "on the clock",
    "a little behind the clock",
    "well behind the clock",
  ]);
});

test("the score's line ends with the score as it is now, and leaves out what is older than asked for", () => {
  const past = [
    { at: 0, total: 900, low: 850, high: 950 },
    { at: 5 * DAY, total: 1000, low: 950, high: 1050 },
  ];
  const score = { total: 1100, low: 1050, high: 1150, testLow: 1000, testHigh: 1200, sections: {} };
  const series = scoreSeries(past, score, 9 * DAY, 2 * DAY);
  expect(series).toEqual({ times: [5 * DAY, 9 * DAY], total: [1000, 1100], low: [950, 1050], high: [1050, 1150] });
  expect(change(series.total)).toBe(100);
  expect(scoreSeries([], { sections: {} }, 9, 0).times).toEqual([]);
  expect(change([1100])).toBeUndefined();
});

test("days in a row go on until yesterday while today has no practice yet", () => {
  const days = (...answered: number[]) =>
    answered.map((count, index) => ({ date: `2026-01-${index + 1}`, answered: count, correct: 0, seconds: 0 }));
  expect(dayStreak(days(5, 0, 5, 5))).toBe(2);
  expect(dayStreak(days(5, 5, 0))).toBe(2);
  expect(dayStreak(days(5, 0, 0))).toBe(0);
  expect(dayStreak([])).toBe(0);
});

test("a day is drawn at its local noon", () => {
  const noon = new Date(dayTime("2026-03-29"));
  expect([noon.getFullYear(), noon.getMonth(), noon.getDate(), noon.getHours()]).toEqual([2026, 2, 29, 12]);
});

test("durations, shares and changes read well", () => {
  expect([41.4, 60, 125, 3600, 8220].map(duration)).toEqual(["41 s", "1 min", "2 min 5 s", "1 h 0 min", "2 h 17 min"]);
  expect([0, 0.004, 0.5, 0.996, 1].map(percent)).toEqual([
    "0\u00a0%",
    "<\u00a01\u00a0%",
    "50\u00a0%",
    ">\u00a099\u00a0%",
    "100\u00a0%",
  ]);
  expect([30, 0, -10].map(signed)).toEqual(["+30", "±0", "−10"]);
});
