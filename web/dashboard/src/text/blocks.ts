/** Texts of questions as paragraphs, lists and tables. Cells of tables are parted by bars, with or without bars at the ends. */

export type Block =
  | { kind: "paragraph"; lines: string[] }
  | { kind: "list"; items: string[] }
  | { kind: "table"; rows: string[][] /** Where its heads are. */; heads: "row" | "column" };

const BULLET = /^\s*[•●]\s*/;
/** A number, as cells have it: 1,200 or 70% or −3 or $5. */
const NUMBER = /^[−+-]?\$?\d[\d,.]*\s*%?$/;

/** The blocks of a text, in order. A line with a bar between spaces is a row; one such line alone is no table. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  for (const group of grouped(text.split("\n"))) {
    if (group.row && group.lines.length > 1) {
      const rows = group.lines.map(cells);
      blocks.push({ kind: "table", rows, heads: headsOf(rows) });
    } else {
      for (const paragraph of group.lines.join("\n").split(/\n\s*\n/)) blocks.push(...prose(paragraph));
    }
  }
  return blocks;
}

function grouped(lines: string[]): { row: boolean; lines: string[] }[] {
  const groups: { row: boolean; lines: string[] }[] = [];
  for (const line of lines) {
    const row = line.includes(" | ");
    const last = groups.at(-1);
    if (last?.row === row) last.lines.push(line);
    else groups.push({ row, lines: [line] });
  }
  return groups;
}

function prose(text: string): Block[] {
  const blocks: Block[] = [];
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const last = blocks.at(-1);
    if (BULLET.test(line)) {
      const item = line.replace(BULLET, "");
      if (last?.kind === "list") last.items.push(item);
      else blocks.push({ kind: "list", items: [item] });
    } else if (last?.kind === "paragraph") last.lines.push(line);
    else blocks.push({ kind: "paragraph", lines: [line] });
  }
  return blocks;
}

function cells(line: string): string[] {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split("|").map((cell) => cell.trim());
}

/** A table of values, such as `x | 3 | 6 | 9`, has its heads at the left; any other has them above. */
function headsOf(rows: string[][]): "row" | "column" {
  const first = rows[0] ?? [];
  return first.length > 2 && first.slice(1).every((cell) => NUMBER.test(cell)) ? "column" : "row";
}

/** Whether all of a column's cells below its head are numbers: those are aligned at the right. */
export function isNumeric(rows: string[][], column: number): boolean {
  const below = rows.slice(1).map((row) => row[column] ?? "");
  return below.length > 0 && below.every((cell) => NUMBER.test(cell));
}
