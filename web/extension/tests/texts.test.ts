/** Words and numbers of the panel. */

import { expect, test } from "vitest";
import { ago, difficulty, doing, hostOf, insightName, titleOf } from "../src/panel/texts.ts";
import { captured, emptyState } from "../src/shared/state.ts";

const [shot] = captured(emptyState(), "q", "https://www.example.org/q", 0).shots;
if (!shot) throw new Error("nothing captured");

test("what is being done, also where there is no connection or a stage is new", () => {
  expect(doing(shot, true)).toBe("Sending the picture");
  expect(doing(shot, false)).toBe("Waits until you are online");
  expect(doing({ ...shot, phase: "reading", stage: "ocr" }, true)).toBe("Reading the text");
  expect(doing({ ...shot, phase: "reading", stage: "brand_new" }, true)).toBe("Reading the page");
});

test("the most likely difficulty; none where nothing is known", () => {
  expect(difficulty({ easy: 0.2, medium: 0.5, hard: 0.3 }).most).toBe("medium");
  expect(difficulty({}).most).toBe("");
  expect(difficulty(undefined).parts).toEqual([
    ["easy", 0],
    ["medium", 0],
    ["hard", 0],
  ]);
});

test.each([
  [0, "now"],
  [59_000, "now"],
  [60_000, "1 min"],
  [3_600_000, "1 h"],
  [90_000_000, "1 d"],
])("%i ms ago is %s", (passed, text) => {
  expect(ago(1000, 1000 + passed)).toBe(text);
});

test("titles are one line of the question", () => {
  expect(titleOf(shot)).toBe("A page");
  expect(titleOf({ ...shot, phase: "failed" })).toBe("Could not be read");
  expect(titleOf({ ...shot, analysis: { text: "", stem: `What  is\nx${"?".repeat(100)}` } })).toMatch(
    /^What is x\?+…$/,
  );
});

test("names of kinds that a plugin may bring", () => {
  expect(insightName("trap")).toBe("Watch out");
  expect(insightName("common_mistake")).toBe("Common mistake");
  expect(hostOf("https://www.example.org/q")).toBe("example.org");
  expect(hostOf("")).toBe("");
});
