/**
 * Mathematics in plain text, as the bank writes it: `x²`, `2^(t/3)`, `√(5x)`, `(x + 1)/(2a)`. Finds what has a structure
 * that a line of text cannot show, and says which letters are variables.
 *
 * What is found is small: a line may still break between terms, which browsers do not do inside MathML.
 */

export type Node =
  | { kind: "number" | "name" | "operator"; text: string }
  | { kind: "row"; items: Node[] }
  | { kind: "power"; base: Node; exponent: Node }
  | { kind: "root"; index?: string; of: Node }
  | { kind: "fraction"; above: Node; below: Node };

/** A piece of a line: words as they are, a variable, or mathematics; `source` is what it was written as. */
export type Piece = { kind: "words" | "variable"; source: string } | { kind: "math"; source: string; node: Node };

const SUPERSCRIPTS: Record<string, string> = {
  ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((sign, digit) => [sign, String(digit)])),
  "⁻": "−",
  ᵗ: "t",
  ⁿ: "n",
  ˣ: "x",
};
const NUMBER = /\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+/y;
const SUPERSCRIPT = new RegExp(`[${Object.keys(SUPERSCRIPTS).join("")}]+`, "y");
const LETTER = /[A-Za-zπθ]/;
/** Two letters side by side that are a product and no word. */
const PRODUCT = /^(?:[abcdkmnpqr]x|[bcdkmnpqr]t|[km]y|xy|ac|πr|rθ)$/;
/** What may follow a lone `a` that is a variable, not an article. */
const AFTER_VARIABLE = /^(?:[,.;:?)]|\s(?:and|or|is|are|in|[=<>≤≥+−·]|[b-z]\b))/;

/** The pieces of a line of a Math question. Their sources together are the line. */
export function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = [];
  let words = "";
  const flush = (): void => {
    if (words) pieces.push({ kind: "words", source: words });
    words = "";
  };
  let at = 0;
  while (at < line.length) {
    const parsed = boundary(line, at) ? new Parser(line, at).term() : undefined;
    if (parsed?.structured) {
      flush();
      pieces.push({ kind: "math", source: line.slice(at, parsed.end), node: parsed.node });
      at = parsed.end;
      continue;
    }
    const word = /^[A-Za-zπθ]+/.exec(line.slice(at))?.[0];
    if (!word) {
      words += line[at++];
    } else {
      const decade = word === "s" && /\d/.test(line[at - 1] ?? ""); // the 1990s
      if (boundary(line, at) && !decade && isVariable(word, line.slice(at + word.length))) {
        flush();
        pieces.push({ kind: "variable", source: word });
      } else words += word;
      at += word.length;
    }
  }
  flush();
  return pieces;
}

/** A term begins here, and not within a word. */
function boundary(line: string, at: number): boolean {
  const before = line[at - 1] ?? " ";
  const here = line[at] ?? "";
  if (LETTER.test(here)) return !/[A-Za-z'’$]/.test(before);
  return !(/[\d.,]/.test(before) && /\d/.test(here)) && /[\d.(√∛]/.test(here);
}

function isVariable(word: string, after: string): boolean {
  if (/^['’-]/.test(after)) return false;
  if (word === "a") return AFTER_VARIABLE.test(after);
  return /^[b-zπθ]$/.test(word) || PRODUCT.test(word);
}

interface Term {
  node: Node;
  end: number;
  structured: boolean;
}

/** Reads one term from a place in a line: factors side by side, perhaps over another one. */
class Parser {
  readonly #text: string;
  #at: number;
  #structured = false;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  term(): Term | undefined {
    const node = this.#term();
    return node && { node, end: this.#at, structured: this.#structured };
  }

  get #next(): string {
    return this.#text[this.#at] ?? "";
  }

  #term(): Node | undefined {
    const factors: Node[] = [];
    for (let factor = this.#factor(); factor; factor = this.#factor()) factors.push(factor);
    if (factors.length === 0) return undefined;
    if (this.#next !== "/") return row(factors);
    const before = this.#at++;
    const below = this.#below();
    if (!below) {
      this.#at = before;
      return row(factors);
    }
    this.#structured = true;
    return this.#more([{ kind: "fraction", above: bare(row(factors)), below: bare(below) }]);
  }

  /** What follows a fraction without a space: the y³ of x^(1/3)y³ is in no fraction, so only brackets and letters. */
  #more(items: Node[]): Node {
    for (let factor = this.#factor(); factor; factor = this.#factor()) items.push(factor);
    return row(items);
  }

  #below(): Node | undefined {
    const factors: Node[] = [];
    const number = this.#number();
    if (number) return this.#powered(number);
    const first = this.#factor();
    if (!first) return undefined;
    factors.push(first);
    // KL in JK/KL is one segment
    while (first.kind === "name" && /[A-Z]/.test(this.#next)) factors.push(this.#factor() as Node);
    return row(factors);
  }

  #factor(): Node | undefined {
    const atom = this.#number() ?? this.#root() ?? this.#bracket() ?? this.#name();
    return atom && this.#powered(atom);
  }

  #number(): Node | undefined {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (!text) return undefined;
    this.#at += text.length;
    return { kind: "number", text };
  }

  #root(): Node | undefined {
    const sign = this.#next;
    if (sign !== "√" && sign !== "∛") return undefined;
    const before = this.#at++;
    const of = this.#number() ?? this.#bracket() ?? this.#name();
    if (!of) {
      this.#at = before;
      return undefined;
    }
    this.#structured = true;
    return { kind: "root", of: bare(of), ...(sign === "∛" && { index: "3" }) };
  }

  /** Brackets with mathematics in them. */
  #bracket(): Node | undefined {
    if (!this.#text.startsWith("(", this.#at)) return undefined;
    const [before, structured] = [this.#at++, this.#structured];
    const items: Node[] = [{ kind: "operator", text: "(" }];
    for (;;) {
      const sign = this.#next;
      if (sign === ")") {
        this.#at++;
        items.push({ kind: "operator", text: ")" });
        return { kind: "row", items };
      }
      if (/[\s+−·±×÷=,:|<>≤≥-]/.test(sign) && sign) {
        this.#at++;
        if (sign.trim()) items.push({ kind: "operator", text: sign });
        continue;
      }
      const term = sign && this.#term();
      if (!term) {
        [this.#at, this.#structured] = [before, structured];
        return undefined;
      }
      items.push(term);
    }
  }

  /** One letter; a word is none, unless it is a product or a segment such as JK. */
  #name(): Node | undefined {
    const word = /^[A-Za-zπθ]+/.exec(this.#text.slice(this.#at))?.[0] ?? "";
    const before = this.#text[this.#at - 1] ?? "";
    const letters =
      word.length === 1 || PRODUCT.test(word) || /^[A-Z]{2}$/.test(word) || this.#afterFactor(word, before);
    if (!word || !letters) return undefined;
    this.#at++;
    return { kind: "name", text: word[0] as string };
  }

  /** `ac` in 4ac, `xy` in 3xy², the Y of XY: up to three letters right after a number or a letter of the same term. */
  #afterFactor(word: string, before: string): boolean {
    if (/^(?:th|st|nd|rd|m|mm|cm|km|in|ft|kg|lb|mi|am|pm|s)$/.test(word) && /\d/.test(before)) return false;
    return word.length <= 2 && /[\d)⁰¹²³⁴⁵⁶⁷⁸⁹πθ]/.test(before);
  }

  #powered(base: Node): Node {
    SUPERSCRIPT.lastIndex = this.#at;
    const raised = SUPERSCRIPT.exec(this.#text)?.[0];
    let exponent: Node | undefined;
    if (raised) {
      this.#at += raised.length;
      const text = [...raised].map((sign) => SUPERSCRIPTS[sign]).join("");
      exponent = { kind: /\d/.test(text) ? "number" : "name", text };
    } else if (this.#next === "^") {
      const before = this.#at++;
      exponent = this.#number() ?? this.#bracket() ?? this.#name();
      if (!exponent) this.#at = before;
    }
    if (!exponent) return base;
    this.#structured = true;
    return { kind: "power", base, exponent: flat(bare(exponent)) };
  }
}

/** A raised fraction on one line, as it would be too small to read. */
function flat(node: Node): Node {
  if (node.kind !== "fraction") return node;
  return { kind: "row", items: [node.above, { kind: "operator", text: "/" }, node.below] };
}

function row(items: Node[]): Node {
  const plain = items.map((item, at) => bracketedFraction(item, items[at - 1]) ?? item);
  return plain.length === 1 ? (plain[0] as Node) : { kind: "row", items: plain };
}

/** The fraction of (1/2)r², which needs no brackets; those of f(1/2) and (1/2)² stay. */
function bracketedFraction(item: Node, before: Node | undefined): Node | undefined {
  if (before?.kind === "name" || item.kind !== "row" || item.items.length !== 3) return undefined;
  const [open, inner] = item.items;
  return open?.kind === "operator" && open.text === "(" && inner?.kind === "fraction" ? inner : undefined;
}

/** Without the brackets around all of it: where a bar or a raised place says as much. */
function bare(node: Node): Node {
  if (node.kind !== "row") return node;
  const [first, ...rest] = node.items;
  const last = rest.at(-1);
  const bracketed = first?.kind === "operator" && first.text === "(" && last?.kind === "operator" && last.text === ")";
  return bracketed ? row(rest.slice(0, -1)) : node;
}
