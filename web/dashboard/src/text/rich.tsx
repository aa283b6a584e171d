/** Texts of questions, hints and explanations as a reader should see them. Everything is text: nothing in it is run or loaded. */

import { Fragment, type JSX, memo, type ReactNode } from "react";
import { type Block, blocksOf, isNumeric } from "./blocks.ts";
import { type Node, piecesOf } from "./math.ts";
import "./text.css";

/** Properties of `Rich`. */
export interface RichProps {
  text: string;
  /** It is of a Math question: fractions, powers, roots and variables are set as such. */
  math?: boolean;
}

/** A text with paragraphs, lists and tables. */
export const Rich = memo(function Rich({ text, math = false }: RichProps): ReactNode {
  return blocksOf(text).map((block, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a text never changes its order
    <BlockView key={at} block={block} math={math} />
  ));
});

/** A text without blocks, for a choice. */
export const Line = memo(function Line({ text, math = false }: RichProps): ReactNode {
  if (!math) return blanks(text);
  return piecesOf(text).map((piece, at) => {
    const key = `${at}`;
    if (piece.kind === "variable") return <var key={key}>{piece.source}</var>;
    if (piece.kind === "math") return <math key={key}>{toMathMl(piece.node)}</math>;
    return <Fragment key={key}>{blanks(piece.source)}</Fragment>;
  });
});

function BlockView({ block, math }: { block: Block; math: boolean }): ReactNode {
  if (block.kind === "paragraph") {
    return (
      <p>
        {block.lines.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <Fragment key={at}>
            {at > 0 && <br />}
            <Line text={line} math={math} />
          </Fragment>
        ))}
      </p>
    );
  }
  if (block.kind === "list") {
    return (
      <ul>
        {block.items.map((item) => (
          <li key={item}>
            <Line text={item} math={math} />
          </li>
        ))}
      </ul>
    );
  }
  return <Table rows={block.rows} heads={block.heads} math={math} />;
}

function Table({ rows, heads, math }: { rows: string[][]; heads: "row" | "column"; math: boolean }): ReactNode {
  const [head = [], ...body] = rows;
  const across = heads === "column";
  const cell = (text: string, row: string[], column: number): ReactNode => {
    const inner = <Line text={text} math={math} />;
    const key = `${column}`;
    if (column === 0) {
      return (
        <th key={key} scope="row">
          {inner}
        </th>
      );
    }
    return (
      <td key={key} className={across || isNumeric(rows, column) ? "number" : undefined}>
        {row.length ? inner : null}
      </td>
    );
  };
  const line = (row: string[]): ReactNode => (
    <tr key={row.join("|")}>{row.map((text, column) => cell(text, row, column))}</tr>
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by the keyboard too
    <section className="table" tabIndex={0} aria-label="Table">
      <table>
        {!across && (
          <thead>
            <tr>
              {head.map((text, column) => (
                <th key={text} scope="col" className={column > 0 && isNumeric(rows, column) ? "number" : undefined}>
                  <Line text={text} math={math && text.length < 8} />
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>{(across ? rows : body).map(line)}</tbody>
      </table>
    </section>
  );
}

/** The gap of a sentence to complete. */
function blanks(text: string): ReactNode {
  const parts = text.split(/_{3,}/);
  if (parts.length === 1) return text;
  return parts.map((part, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: as above
    <Fragment key={at}>
      {at > 0 && (
        <span className="blank" role="img" aria-label="blank">
          {" "}
        </span>
      )}
      {part}
    </Fragment>
  ));
}

function toMathMl(node: Node): JSX.Element {
  switch (node.kind) {
    case "number":
      return <mn>{node.text}</mn>;
    case "name":
      return /[A-Z]/.test(node.text) ? <mi mathvariant="normal">{node.text}</mi> : <mi>{node.text}</mi>;
    case "operator":
      return <mo>{node.text}</mo>;
    case "row":
      return (
        <mrow>
          {node.items.map((item, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <Fragment key={at}>{toMathMl(item)}</Fragment>
          ))}
        </mrow>
      );
    case "power":
      return (
        <msup>
          {toMathMl(node.base)}
          {toMathMl(node.exponent)}
        </msup>
      );
    case "root":
      return node.index ? (
        <mroot>
          {toMathMl(node.of)}
          <mn>{node.index}</mn>
        </mroot>
      ) : (
        <msqrt>{toMathMl(node.of)}</msqrt>
      );
    case "fraction":
      return (
        <mfrac>
          {toMathMl(node.above)}
          {toMathMl(node.below)}
        </mfrac>
      );
  }
}
