/** Mathematics in plain text: what is found, and that nothing of a text is lost. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Node, piecesOf } from "../src/text/math.ts";

/** A tree as text: `[above/below]`, `base^{exponent}`, `√{of}`. */
function told(node: Node): string {
  switch (node.kind) {
    case "row":
      return node.items.map(told).join("");
    case "power":
      return `${told(node.base)}^{${told(node.exponent)}}`;
    case "root":
      return `${node.index ? "∛" : "√"}{${told(node.of)}}`;
    case "fraction":
      return `[${told(node.above)}/${told(node.below)}]`;
    default:
      return node.text;
  }
}

/** A line with its mathematics in braces and its variables in asterisks. */
function read(line: string): string {
  return piecesOf(line)
    .map((piece) =>
      piece.kind === "math" ? `{${told(piece.node)}}` : piece.kind === "variable" ? `*${piece.source}*` : piece.source,
    )
    .join("");
}

describe("mathematics in a line", () => {
  test.each([
    ["−x² + 12x − 49.", "−{x^{2}} + 12*x* − 49."],
    ["N(t) = 1,600(1.02)^(t/3)", "N(*t*) = {1,600(1.02)^{t/3}}"],
    ["4,500(1.17)ᵗ", "{4,500(1.17)^{t}}"],
    ["the chance is 14/95.", "the chance is {[14/95]}."],
    ["5π/16", "{[5π/16]}"],
    ["(3x² − 21x + 23)/(x − 6), where", "{[3x^{2}−21x+23/x−6]}, where"],
    ["is (1/2)r²θ", "is {[1/2]r^{2}θ}"],
    ["y = −(5/4)x + 3", "*y* = −{[5/4]x} + 3"],
    ["4√3 and ∛(8x⁷y⁹)", "{4√{3}} and {∛{8x^{7}y^{9}}}"],
    ["√(b² − 4ac)", "{√{b^{2}−4ac}}"],
    ["(−b ± √(b² − 4ac))/(2a)", "{[−b±√{b^{2}−4ac}/2a]}"],
    ["4x^(7/3)y³", "{4x^{7/3}y^{3}}"],
    ["JK/KL", "{[JK/KL]}"],
    ["f(1/2) is 3", "{f([1/2])} is 3"],
  ])("%s", (line, expected) => {
    expect(read(line)).toBe(expected);
  });

  test.each([
    "A taxi costs $6 and then $3 per mile.",
    "Look at the figure. I am at a loss, and so on.",
    "The student's answer and/or the teacher's",
    "in the 1990s, on 24 July",
    "|7 − 3| + 1 = 5",
  ])("there is none in: %s", (line) => {
    expect(read(line)).toBe(line);
  });

  test("letters that stand alone are variables, but a is an article too", () => {
    expect(read("a line k, where a and b are constants")).toBe("a line *k*, where *a* and *b* are constants");
    expect(read("If kx = 3, what is k?")).toBe("If *kx* = 3, what is *k*?");
  });
});

interface BankQuestion {
  section?: string;
  stem: string;
  passage?: string;
  rationale: string;
  hints: string[];
  choices?: { text: string }[];
}

test("nothing of the bank's texts is lost or changed", () => {
  const file = new URL("../../../plugins/bonsai_recs/bonsai_recs/data/bank.jsonl", import.meta.url);
  const questions = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line) as BankQuestion);
  const texts = questions
    .filter(({ section }) => section === "Math")
    .flatMap(({ stem, passage = "", rationale, hints, choices = [] }) => [
      stem,
      passage,
      rationale,
      ...hints,
      ...choices.map(({ text }) => text),
    ]);
  expect(texts.length).toBeGreaterThan(1000);
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    const pieces = piecesOf(line);
    expect(pieces.map(({ source }) => source).join("")).toBe(line);
    for (const piece of pieces) {
      if (piece.kind !== "math") continue;
      const signs = (text: string): string => text.normalize("NFKC").replaceAll(/[^\p{L}\p{N}.,+−=±·]/gu, "");
      expect(signs(told(piece.node))).toBe(signs(piece.source));
    }
  }
});
