/** What windows that practise have in common, and how it changes. */

import type { Payloads } from "@bonsai/client";
import { describe, expect, test } from "vitest";
import {
  begin,
  choose,
  clock,
  type Practice,
  practiceIn,
  type Question,
  requestFor,
  secondsSpent,
  strike,
  togglePause,
  upNext,
  wish,
} from "../src/practice/model.ts";
import { merge, type Patch } from "../src/shared/merge.ts";

function question(id: string, more: Partial<Question> = {}): Question {
  const told = {
    section: "Math",
    subject: "math",
    domain: "Algebra",
    skill: "Linear functions",
    difficulty: 3,
    band: 4,
  };
  return { id, ...told, expectedSeconds: 60, reason: "Because.", stem: `Stem of ${id}`, ...more };
}

function update(ids: string[], more: Partial<Payloads.RecsUpdate> = {}): Payloads.RecsUpdate {
  return { questions: ids.map((id) => question(id)), generatedAt: 0, mode: "practice", revision: 1, ...more };
}

function after(practice: Practice, patch: Patch): Practice {
  return practiceIn({ practice: merge(practice, patch) });
}

const NEW = practiceIn({});

describe("the next question", () => {
  test("is the best that is not before the student", () => {
    const practice = after(NEW, begin(NEW, question("q1"), 1000));
    expect(upNext(practice, update(["q1", "q2"]))?.id).toBe("q2");
  });

  test("is none that was answered and is not graded yet, however long that takes", () => {
    expect(upNext({ ...NEW, trail: { q1: 2 } }, update(["q1"]))).toBeUndefined();
  });

  test("may be one that is due for review, if there is no new one", () => {
    const practice: Practice = { ...NEW, trail: { q1: 0 } };
    expect(upNext(practice, update(["q1", "q2"]))?.id).toBe("q2");
    expect(upNext(practice, update(["q1"]))?.id).toBe("q1");
  });

  test("comes from a list for the current wish alone", () => {
    const practice = after(NEW, wish(NEW, { subject: "math" }, 4));
    expect(requestFor(practice)).toMatchObject({ mode: "practice", preferences: { subjects: ["math"] } });
    expect(upNext(practice, update(["q1"], { revision: 4 }))).toBeUndefined();
    expect(upNext(practice, update(["q1"], { revision: 5 }))?.id).toBe("q1");
    expect(upNext(practice, update(["q1"], { revision: 5, mode: "mock" }))).toBeUndefined();
  });
});

describe("a question that begins", () => {
  test("leaves nothing of the one before", () => {
    const first = question("q1", { passage: "A passage", choices: [{ key: "A", text: "one" }] });
    let practice = after(NEW, begin(NEW, first, 1000));
    practice = after(practice, {
      drafts: { q1: choose(undefined, "A") },
      results: { q1: { answer: "A" } },
      pausedAt: 2000,
    });
    practice = after(practice, begin(practice, question("q2"), 3000));
    expect(practice.question).toEqual(question("q2"));
    expect(practice).toMatchObject({ since: 3000, drafts: {}, results: {}, hinted: {} });
    expect(practice.pausedAt).toBeUndefined();
  });
});

describe("choices", () => {
  test("crossing out what was chosen takes the choice back, and the other way round", () => {
    const chosen = merge({}, choose(undefined, "B"));
    const struck = merge(chosen, strike(chosen, "B"));
    expect(struck).toEqual({ struck: { B: true } });
    expect(merge(struck, choose(struck, "B"))).toEqual({ answer: "B", struck: {} });
    expect(merge(struck, strike(struck, "B"))).toEqual({ struck: {} });
  });
});

describe("time", () => {
  test("stands still in a pause", () => {
    let practice = after(NEW, begin(NEW, question("q1"), 10_000));
    expect(secondsSpent(practice, 25_000)).toBe(15);
    practice = after(practice, togglePause(practice, 25_000));
    expect(secondsSpent(practice, 99_000)).toBe(15);
    practice = after(practice, togglePause(practice, 100_000));
    expect(secondsSpent(practice, 101_000)).toBe(16);
  });

  test("is never negative, whatever the clocks say", () => {
    expect(secondsSpent({ ...NEW, since: 5000 }, 1000)).toBe(0);
  });

  test.each([
    [0, "0:00"],
    [65.9, "1:05"],
    [3600, "1:00:00"],
    [-3, "0:00"],
  ])("%d seconds are %s", (seconds, shown) => {
    expect(clock(seconds)).toBe(shown);
  });
});
