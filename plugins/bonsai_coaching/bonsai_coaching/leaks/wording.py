"""Finds where a text quotes the words of a choice, whole or in large part, or names the punctuation mark it adds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bonsai_coaching.leaks.plain import any_of, words_of

#: A choice of fewer words counts as quoted only when all of it is there.
LONG = 6
#: The part of a long choice's words that, in a row, counts as a quotation.
TELLING = 0.6

# Words that any explanation is made of: by themselves they do not quote a choice.
_COMMON = words_of(
    """
    a about above accordingly additionally after again alone also although always an and another any are as at be
    because been before being below besides between both but by can cannot clearly consequently contrast contrary
    could did do does done each earlier either else even ever every example exactly fact fewer finally find finds
    first follow following follows for fortunately from furthermore get gets give given gives giving go goes had has
    have having he hence her here hers him his how however i if in indeed instead into is it it's its itself just
    later least less like likewise look makes many meanwhile mere merely moreover most much must my namely nearly
    neither never nevertheless next no none nonetheless nor not nothing now of off on once one only or other others
    otherwise our out over particular particularly perhaps previously rather read reads reason result run runs same
    second see sees she short should similarly simply since so some sometimes soon specifically stand stands still
    subsequently such take takes than that that's the their theirs them then there there's therefore these they
    they're third this those though thus time to today together too true two under unlike until up use used uses
    usually was way we well were what when where whereas whether which while who who's whom whose why will with
    within without words work works would yes yet you you're your yours zero
    """
)
_BE = any_of("is", "are", "be", "would be", "should be", "must be", "has to be")
_KIND = any_of("words?", "phrases?", "forms?", "transitions?", "verbs?", "pronouns?", "tense")
_QUOTE = r"[\"'(]*"
_CUE_BEFORE = re.compile(
    rf"\b(?:{_KIND}|answers?|choices?|options?|blank|correct|right|best)(?: (?:one|answer|choice|option|here|{_KIND}))?"
    rf"(?: (?:{_BE}|like|such as)| ?[:=-])(?: (?:the )?{_KIND})? ?{_QUOTE}$"
    rf"|\b(?:it|this|that) (?:must|has to|should|would|could|can only) be {_QUOTE}$"
    rf"|^{_QUOTE}$"
)
_ADVICE = any_of(
    *(
        "use",
        "using",
        "choose",
        "pick",
        "select",
        "go with",
        "insert",
        "write",
        "try",
        "put",
        "want",
        "needs?",
        "takes?",
    ),
    "(?:calls|asks) for",
)
_ADVICE_BEFORE = re.compile(rf"\b{_ADVICE}(?: (?:the|a))?(?: (?:singular|plural))?(?: {_KIND})? ?{_QUOTE}$")
_ADVICE_AFTER = re.compile(r"[\"')]|\s*(?:[.,;:!?]|$)| (?:here|because|since|there)\b")
_FITS = any_of(
    *(r"fits?\b", r"works?\b", "goes (?:in|there|here)", "belongs", "completes", "makes sense"),
    "is (?:the )?(?:right|correct|best|only|answer|needed|what|logical)",
)
_CUE_AFTER = re.compile(rf"[\"')]*,?[\"')]* (?:(?:clearly|best|really) )?{_FITS}")
_QUOTE_AFTER = re.compile(r"[.,;:]?[\"']")
_MARKS = {
    ",": r"commas?",
    ";": r"semi-?colons?",
    ":": r"(?<!semi)(?<!semi-)colons?",
    "—": r"(?:em )?dash(?:es)?",
    ".": r"(?:periods?|full stops?)",
    "?": r"question marks?",
    "'": r"apostrophes?",
}
_NO_MARK = r"(?:no|without(?: any)?|not? .{0,12}any|zero) (?:punctuation|mark|marks|comma|punctuation mark)s?\b"


def normal(text: str) -> str:
    """A plain text without regard to case, spaces and the punctuation around it."""
    return _spaced(text.casefold()).strip(" .,;:!\"'()[]-—/")


class Wording:
    """Looks for the words of one choice.

    Args:
        right: the choice, as plain text.
        others: the other choices.
        given: what the student has read anyway, as plain text; quoting that quotes no choice.
    """

    def __init__(self, right: str, others: Sequence[str], given: str) -> None:
        self._right = normal(right)
        self._given = _spaced(given.casefold())
        words = _words(right)
        self._common = len(words) <= 3 and all(word in _COMMON for word in words)
        self._in_given = next(self._places(self._given), None) is not None
        self._runs = _telling_runs(words, [_words(other) for other in others], _words(given))
        self._run_length = len(next(iter(self._runs))) if self._runs else 0
        self._mark = _mark_cue(right, others)

    def is_in(self, text: str) -> bool:
        """Whether a plain text quotes the choice."""
        folded = _spaced(text.casefold())
        for start, end in self._places(folded):
            if (not self._common and not self._in_given) or _is_cued(folded, start, end):
                return True
        if self._runs:
            words, size = _words(folded), self._run_length
            if any(tuple(words[n : n + size]) in self._runs for n in range(len(words) - size + 1)):
                return True
        return self._mark is not None and self._mark.search(folded) is not None

    def is_called_answer(self, text: str) -> bool:
        """Whether a plain text calls the choice right, or quotes it by itself."""
        folded = _spaced(text.casefold())
        return any(_is_cued(folded, start, end) for start, end in self._places(folded))

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the choice's whole text stands, from and to, as words of its own."""
        at = text.find(self._right) if self._right else -1
        while at >= 0:
            end = at + len(self._right)
            if not (_joins(text, at - 1, -1) and text[at].isalnum()) and not (
                _joins(text, end, 1) and text[end - 1].isalnum()
            ):
                yield at, end
            at = text.find(self._right, at + 1)


def _joins(text: str, at: int, step: int) -> bool:
    """Whether the character there, or an apostrophe and the one behind it, goes on with a word."""
    if 0 <= at < len(text) and text[at] == "'":
        at += step
    return 0 <= at < len(text) and text[at].isalnum()


def _is_cued(text: str, start: int, end: int) -> bool:
    """Whether what stands there is quoted or called right."""
    before, after = text[max(start - 60, 0) : start], text[end : end + 30]
    if before.endswith(('"', "'")) and _QUOTE_AFTER.match(after):
        return True
    if _CUE_AFTER.match(after) or (_CUE_BEFORE.search(before) and (before or not after[:2].strip(".,!"))):
        return True
    return _ADVICE_BEFORE.search(before) is not None and _ADVICE_AFTER.match(after) is not None


def _spaced(text: str) -> str:
    """One space between words, and none around dashes, which people write with and without."""
    return re.sub(r" ?— ?", "—", " ".join(text.split()))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)*", text.casefold())


def _telling_runs(words: list[str], others: Sequence[list[str]], given: list[str]) -> frozenset[tuple[str, ...]]:
    """Runs of words that only this choice has; none when it is short."""
    if len(words) < LONG:
        return frozenset()
    size = max(LONG - 1, math.ceil(TELLING * len(words)))
    elsewhere = {run for text in (*others, given) for run in _runs(text, size)}
    return frozenset(run for run in _runs(words, size) if run not in elsewhere)


def _runs(words: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[n : n + size]) for n in range(len(words) - size + 1)]


def _mark_cue(right: str, others: Sequence[str]) -> re.Pattern[str] | None:
    """What recommends the right choice's punctuation by name, where the choices differ in nothing else."""
    if not others or len({tuple(_words(text)) for text in (right, *others)}) != 1:
        return None
    marks = {text: Counter(c for c in text if c in _MARKS) for text in (right, *others)}
    least = marks[right].copy()
    for count in marks.values():
        least &= count
    names = [_MARKS[mark] for mark in marks[right] - least]
    if not names:
        return re.compile(
            rf"(?:use|needs?|takes?|choose|want|is|are|with|put) {_NO_MARK}"
            rf"|{_NO_MARK} (?:is|are|should|belongs|goes|at all|here)"
        )
    name = any_of(*names)
    condition = any_of("if", "when", "only", "or", "that", "between", "joins", "to")  # speaks of the mark in general
    return re.compile(
        rf"\b(?:{_ADVICE}|add|place|requires?|is)(?: (?:a|an|the|two|one))?(?: (?:single|pair of|matching))? {name}\b"
        rf"(?! {condition}\b)"
        rf"|\b(?:a|the) {name} (?:is (?:needed|right|correct|best|the)|fits|works here|belongs|goes)"
    )
