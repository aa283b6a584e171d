"""Questions and figures as HTML pages to look at: what a student would see, on a light and on a dark page.

A page needs nothing but itself: no scripts, no fonts, no files beside it. Everything that comes from a bank is escaped,
except the figures, and of those only the ones that `figure_problem` finds harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from bonsai_core.domain import Question
from bonsai_recs.bank.figures import figure_problem

_STYLE = """
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
section { padding: 24px; color-scheme: light; color: #1b1f24; background: #fff; }
section.dark { color-scheme: dark; color: #e6e8eb; background: #15181c; }
article { max-width: 44rem; margin: 0 auto 32px; padding: 16px 20px; border: 1px solid #8886; border-radius: 8px; }
.sheet { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; }
.sheet figure { border: 1px solid #8886; border-radius: 8px; padding: 8px; }
figure { margin: 12px 0; }
.sheet figure { margin: 0; }
.sheet figcaption { max-width: 18rem; }
figcaption, header { font-size: 13px; opacity: .75; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 12px 0; }
th, td { border: 1px solid #8886; padding: 4px 12px; text-align: left; }
p { margin: 8px 0; white-space: pre-line; }
.stem { font-weight: 600; }
ol { list-style: upper-alpha; padding-left: 28px; }
li small { display: block; opacity: .75; }
li.right { font-weight: 600; color: light-dark(#116329, #6bd68a); }
"""


def questions_page(questions: Sequence[Question]) -> str:
    """A page with the questions as a student sees them; the answer and its explanations fold out."""
    return _page("Questions", f"<section>{''.join(map(_question, questions))}</section>")


def figures_page(questions: Iterable[Question]) -> str:
    """A contact sheet: every figure with its question's id, first on a light page, then on a dark one."""
    shown = [question for question in questions if question.figure is not None]
    sheet = "".join(
        f"<figure>{_figure(question)}<figcaption>{escape(question.id)} · {escape(question.skill)}</figcaption></figure>"
        for question in shown
    )
    both = "".join(f'<section class="{name}"><div class="sheet">{sheet}</div></section>' for name in ("light", "dark"))
    return _page(f"{len(shown)} figures", both)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{body}</html>\n"
    )


def _question(question: Question) -> str:
    parts = [f"<header>{escape(question.id)} · {escape(question.skill)} · band {question.band}</header>"]
    if question.passage:
        parts.append(_text(question.passage))
    if question.figure:
        parts.append(f"<figure>{_figure(question)}</figure>")
    parts.append(_text(question.stem, "stem"))
    if question.choices:
        parts.append("<ol>" + "".join(f"<li>{escape(choice.text)}</li>" for choice in question.choices) + "</ol>")
    else:
        parts.append("<p>Answer: ______</p>")
    return f"<article>{''.join(parts)}<details><summary>Answer</summary>{_answer(question)}</details></article>"


def _answer(question: Question) -> str:
    marked = "".join(
        f'<li class="right">{escape(choice.text)}</li>'
        if choice.key in question.answers
        else f"<li>{escape(choice.text)}<small>{escape(choice.misconception or '')}</small></li>"
        for choice in question.choices
    )
    right = f"<ol>{marked}</ol>" if marked else _text(" or ".join(question.answers), "stem")
    hints = "".join(_text(f"Hint {rung}. {hint}") for rung, hint in enumerate(question.hints, start=1))
    return right + _text(question.rationale) + hints + _text(f"Strategy. {question.strategy}")


def _figure(question: Question) -> str:
    figure = question.figure or ""
    problem = figure_problem(figure)
    return f"<p>This figure cannot be shown: {escape(problem)}</p>" if problem else figure


def _text(text: str, kind: str = "") -> str:
    """Paragraphs; lines with cells parted by bars become a table."""
    parts = []
    for is_table, group in groupby(text.split("\n"), key=lambda line: " | " in line):
        lines = list(group)
        if is_table and len(lines) > 1:
            parts.append(f"<table>{''.join(map(_row, lines))}</table>")
        else:
            parts += [
                f'<p class="{kind}">{escape(block)}</p>' for block in "\n".join(lines).split("\n\n") if block.strip()
            ]
    return "".join(parts)


def _row(line: str) -> str:
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return "<tr>" + "".join(f"<td>{escape(cell.strip())}</td>" for cell in cells) + "</tr>"
