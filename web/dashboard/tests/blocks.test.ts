/** Paragraphs, lists and tables of texts. */

import { describe, expect, test } from "vitest";
import { blocksOf, isNumeric } from "../src/text/blocks.ts";

describe("texts become blocks", () => {
  test("paragraphs are parted by empty lines, and keep their own lines", () => {
    expect(blocksOf("One.\n\nTwo,\nthree.")).toEqual([
      { kind: "paragraph", lines: ["One."] },
      { kind: "paragraph", lines: ["Two,", "three."] },
    ]);
  });

  test("notes become a list after the line that announces them", () => {
    expect(blocksOf("Notes:\n\n• First\n• Second")).toEqual([
      { kind: "paragraph", lines: ["Notes:"] },
      { kind: "list", items: ["First", "Second"] },
    ]);
  });

  test.each([
    ["with bars at the ends", "| Bird | Fall |\n| Robin | 9 |"],
    ["without", "Bird | Fall\nRobin | 9"],
    ["with cells that are padded", "Bird  | Fall\nRobin | 9   "],
  ])("a table %s", (_, text) => {
    const rows = [
      ["Bird", "Fall"],
      ["Robin", "9"],
    ];
    expect(blocksOf(`Before.\n\n${text}\n\nAfter.`)[1]).toEqual({ kind: "table", rows, heads: "row" });
  });

  test("a table of values has its heads at the left", () => {
    const [table] = blocksOf("x | 3 | 6 | 9\nf(x) | −9 | −21 | −33");
    expect(table).toMatchObject({ kind: "table", heads: "column" });
  });

  test("an absolute value is no table", () => {
    expect(blocksOf("3|x + 3| + 1 = 25\n\nWhat is x?")).toHaveLength(2);
    expect(blocksOf("a | b")).toEqual([{ kind: "paragraph", lines: ["a | b"] }]);
  });

  test("numbers are told from words, column by column", () => {
    const rows = [
      ["Role", "Total", "Share"],
      ["Actor", "1,112", "about half"],
      ["Crew", "−78", "40%"],
    ];
    expect([0, 1, 2].map((column) => isNumeric(rows, column))).toEqual([false, true, false]);
  });
});
