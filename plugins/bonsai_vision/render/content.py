"""HTML of what a test screenshot shows: a question (from a line of a question bank), or something that is none."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿᵗˣ", "0123456789−+ntx")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿᵗˣ]+")
_VARIABLE = re.compile(r"(?<![A-Za-z&'’<>/])([b-zB-HJ-Z])(?![A-Za-z;'’>])")


@dataclass(frozen=True)
class Pieces:
    """The parts of a question as HTML; a page style puts them where it likes."""

    passage: str
    figure: str
    stem: str
    choices: list[tuple[str, str]]


def escape(text: str, *, typeset: bool = False) -> str:
    """HTML of a text; `<u>` stays; `typeset` sets variables in italics and powers as raised digits."""
    safe = html.escape(text, quote=False).replace("&lt;u&gt;", "<u>").replace("&lt;/u&gt;", "</u>")
    if not typeset:
        return safe
    safe = _VARIABLE.sub(r"<i>\1</i>", safe)
    return _SUPERSCRIPT.sub(lambda match: f"<sup>{match[0].translate(_SUPERSCRIPTS)}</sup>", safe)


def _block(paragraph: str, write: Callable[[str], str]) -> str:
    lines = paragraph.split("\n")
    table = [line for line in lines if "|" in line]
    if len(table) >= 2:
        at = lines.index(table[0])
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table]
        body = "".join(
            "<tr>" + "".join(f"<{tag}>{write(cell)}</{tag}>" for cell in row) + "</tr>"
            for tag, row in zip(["th", *["td"] * len(rows)], rows, strict=False)
            if not all(set(cell) <= set("-: ") for cell in row)
        )
        before = "".join(f"<p>{write(line)}</p>" for line in lines[:at])
        return (
            before
            + f"<table class=data>{body}</table>"
            + "".join(f"<p>{write(line)}</p>" for line in lines[at + len(table) :])
        )
    if lines[0] in {"Text 1", "Text 2"}:
        return f"<h4>{lines[0]}</h4><p>" + write(" ".join(lines[1:])) + "</p>"
    if any(line.startswith("•") for line in lines):
        return "".join(f"<p class={'note' if line.startswith('•') else 'intro'}>{write(line)}</p>" for line in lines)
    return "<p>" + "<br>".join(write(line) for line in lines) + "</p>"


def question(row: Row, *, typeset: bool) -> Pieces:
    """The parts of one line of a bank."""

    def write(text: str) -> str:
        return escape(text, typeset=typeset and row["section"] == "Math")

    def blocks(text: str) -> str:
        return "".join(_block(paragraph, write) for paragraph in text.split("\n\n"))

    passage, figure = row.get("passage") or "", row.get("figure") or ""
    return Pieces(
        passage=f"<div data-role=passage class=passage>{blocks(passage)}</div>" if passage else "",
        figure=f"<div data-role=figure class=figure>{figure}</div>" if figure else "",
        stem=f"<div data-role=stem class=stem>{blocks(row['stem'])}</div>",
        choices=[(choice["key"], write(choice["text"])) for choice in row.get("choices") or []],
    )


def choices(pieces: Pieces, letters: str, rng: random.Random) -> str:
    """The choices in one of the usual looks of letters, or the field for a typed answer."""
    if not pieces.choices:
        label = rng.choice(["", "Answer Preview:", "Your answer"])
        return f"<div class=typed><div class=field></div><span>{label}</span></div>"
    look = {"circle": "{}", "paren": "{})", "dot": "{}.", "both": "({})", "box": "{}", "radio": "{}."}[letters]
    rows = []
    for key, text in pieces.choices:
        radio = "<span class=dial></span>" if letters == "radio" else ""
        rows.append(
            f"<div class=choice>{radio}<span class='letter {letters}'>{look.format(key)}</span>"
            f"<div class=words data-role=choice data-key={key}>{text}</div></div>"
        )
    return f"<div class=choices>{''.join(rows)}</div>"


def other(row: Row) -> str:
    """HTML of a page that is no question; `row` says its `kind`, and has a `title` and `lines`."""
    return _OTHERS.get(row["kind"], _article)(row)


def _article(row: Row) -> str:
    head = f"<h1>{escape(row['title'])}</h1><p class=by>{escape(row.get('by', ''))}</p>"
    return f"<article>{head}" + "".join(f"<p>{escape(line)}</p>" for line in row["lines"]) + "</article>"


def _code(row: Row) -> str:
    lines = "".join(
        f"<div class=line><span class=no>{number}</span><span>{escape(line) or ' '}</span></div>"
        for number, line in enumerate(row["lines"], 1)
    )
    return f"<div class=code><div class=file>{escape(row['title'])}</div>{lines}</div>"


def _chat(row: Row) -> str:
    lines = []
    for number, line in enumerate(row["lines"]):
        who, _, said = line.partition(": ")
        side = "mine" if number % 2 else "theirs"
        lines.append(f"<div class='bubble {side}'><b>{escape(who)}</b><br>{escape(said)}</div>")
    return f"<div class=chat><h3>{escape(row['title'])}</h3>{''.join(lines)}</div>"


def _shop(row: Row) -> str:
    cards = "".join(
        f"<div class=goods><div class=photo></div><b>{escape(line.split(' | ')[0])}</b>"
        + "".join(f"<div>{escape(part)}</div>" for part in line.split(" | ")[1:])
        + "<button>Add to cart</button></div>"
        for line in row["lines"]
    )
    return f"<h2>{escape(row['title'])}</h2><div class=grid>{cards}</div>"


def _sheet(row: Row) -> str:
    cells = [line.split(" | ") for line in row["lines"]]
    head = "".join(f"<th>{letter}</th>" for letter in " ABCDEFGHIJ"[: len(cells[0]) + 1])
    body = "".join(
        f"<tr><th>{number}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>"
        for number, line in enumerate(cells, 1)
    )
    return f"<h3>{escape(row['title'])}</h3><table class=cells><tr>{head}</tr>{body}</table>"


def _form(row: Row) -> str:
    fields = "".join(f"<label>{escape(line)}<div class=field></div></label>" for line in row["lines"])
    return f"<div class=form><h2>{escape(row['title'])}</h2>{fields}<button>Continue</button></div>"


def _quiz(row: Row) -> str:
    return (
        f"<div class=quiz><h3>{escape(row['title'])}</h3>"
        + "".join(f"<p class=item>{escape(line)}</p>" for line in row["lines"])
        + "</div>"
    )


_OTHERS: dict[str, Callable[[Row], str]] = {
    "article": _article,
    "code": _code,
    "chat": _chat,
    "shop": _shop,
    "sheet": _sheet,
    "form": _form,
    "quiz": _quiz,
}
