"""What stands around a question and is no part of it: its number, clocks, buttons, addresses, notes on figures."""

from __future__ import annotations

import re

_ALONE = re.compile(
    r"""^(?:
    (?:☐|\[\s?\]|□|[OoQ0»✓☑⚐▢口])?\s*Mark\s+for\s+Review
    | A[BE8][CG]|\(?A\)?\s?B\s?C
    | Directions?\s*\W?[v⌄∨]?
    | Hide|More|Back|Next|Previous|Continue|(?:Submit|Check)(?:\s+answer)?|Skip|Save|Exit|Finish|Calculator|Reference
    | Highlights(?:\s*[&and]*\s*Notes)?|Annotate|Desmos|Line\s+Reader|Help
    | (?:Your\s+answer|Answer(?:\s+Preview)?|(?:Enter|Type)\s+your\s+answer(?:\s+here)?)\s*:?
    | Section\s+\d+\s*[,:]?.{0,40}|Module\s+\d+.{0,40}
    | (?:Practice\s+(?:set|test)\b.{0,30}[›>»,:\s]+)?(?:Question|Problem|Item)\s*\#?\s*\d+(?:\s*(?:of|/)\s*\d+)?\s*\.?
    | \d{1,3}\s+(?:of|/)\s+\d{1,3}
    | \d{1,2}:\d{2}(?::\d{2})?(?:\s*[AP]M)?(?:\s*(?:left|remaining))?
    | (?:\W{1,2}\s)?(?:https?://|www\.)\S+.*
    | [a-z0-9-]+(?:\.[a-z0-9-]+)+/\S* | [\w-]+\.pdf\b.{0,30}
    | (?:LTE|5G|4G|Wi-?Fi)\s*\d{1,3}\s?%
    | [‹<←〈«]?\s*Back\s+(?:Question\s+\d+.*)?
    | \(?Note:?\s+Figures?\s+(?:is\s+|are\s+)?not\s+drawn\s+to\s+scale\.?\)?
    | [\W_]{1,3}
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_ANSWER = re.compile(
    r"^(?:(?:Enter|Type)\s+)?Your\s+answer\b(?:\s+here)?\s*:?$|^Answer(?:\s+Preview)?\s*:?$", re.IGNORECASE
)
_MARK = re.compile(r"\b(?:Mark|Flag)\s+for\s+[Rr]eview\b")
_NUMBER = re.compile(r"^\d{1,3}\s*[^\w\s%°]?$")
_FIGURE_NOTE = re.compile(r"^\(?Note:?\s+Figure", re.IGNORECASE)
#: A number in front of a question, on its first line: `12.` or `12)`.
_LEADING = re.compile(r"^(?:Question\s+)?\d{1,3}\s?[.)]\s+(?=[A-Z\"“'‘(])")


def is_furniture(text: str) -> bool:
    """Whether a line is nothing but a label of the page, as far as its words tell."""
    text = text.strip()
    return not text or bool(_ALONE.match(text)) or (len(text) < 60 and bool(_MARK.search(text)))


def is_answer_label(text: str) -> bool:
    """Whether a line is the label of the box that an answer is typed into."""
    return bool(_ANSWER.match(text.strip()))


def is_number(text: str) -> bool:
    """Whether a line is a number alone, which above a question is the question's."""
    return bool(_NUMBER.match(text.strip()))


def is_figure_note(text: str) -> bool:
    """Whether a line is the note that a figure is not drawn to scale."""
    return bool(_FIGURE_NOTE.match(text.strip()))


def without_number(text: str) -> str:
    """A question's first line without the question's number."""
    return _LEADING.sub("", text, count=1)
