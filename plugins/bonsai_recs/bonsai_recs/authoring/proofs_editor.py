"""Checkers for Reading and Writing: what a program can check of a question whose answer an editor marked.

Each checker takes a proof and the texts of the right and of the wrong choices, and raises `ProofError` when the right
one breaks a rule or a wrong one keeps them all. The kinds and what they find in `given`:

    `editor`: `marked` is the right text; `passage` and verbatim `support` from it; `faults` names each wrong choice's
        mistake; `rules` says which of `RULES` to apply.
    `synthesis`: `notes`, `uses` (terms that both the notes and the right choice have) and `needs` (what the goal asks a
        choice to contain, alternatives split by `|`): the right choice has all of it, each wrong one lacks some.
    `table`: `columns`, `rows`, and for every choice the `facts` that it claims: the right one's hold; a wrong one's
        fail (`contradicts the data`), or hold but do not serve the claim (`irrelevant`).
    `transition`: the `relation` between two sentences, which the right word expresses and the wrong ones do not.
    `boundary`: the `junction` of two units, annotated by the author, and which marks may stand there.
    `verb`, `noun`, `pronoun`, `opening`: the grammatical features that the slot `needs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.authoring.proofs_grammar import check_boundary, check_noun, check_opening, check_pronoun, check_verb

Checker = Callable[[Proof, Sequence[str], Sequence[str]], None]

FAULTS = {
    "too broad": "says more, or of more things, than the text does",
    "too narrow": "takes one detail for the whole",
    "contradicts the text": "says the opposite of a statement in the text",
    "beyond the text": "adds what the text does not say",
    "reversed": "swaps cause and effect, or who does what",
    "off topic": "answers another question than the one asked",
    "irrelevant": "may be true but does not bear on the claim",
    "weakens": "would speak against the claim",
    "wrong meaning": "the word means something that the text rules out",
    "wrong connotation": "close in meaning, but its tone or strength does not fit",
    "another sense": "a usual sense of the word that is not the one used here",
    "wrong purpose": "names something that the text does not do",
    "wrong order": "names parts that do not come in this order",
    "wrong view": "gives an author a view that the text does not show",
    "too strong": "turns a guarded statement into an absolute one",
}
BLANK = "______"


def plain(text: str) -> str:
    """The text with one space between words, in lower case, for comparison."""
    return " ".join(text.split()).casefold()


def _require(condition: object, message: str) -> None:
    if not condition:
        raise ProofError(message)


def _marked(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    _require([plain(text) for text in right] == [plain(given["marked"])], f"not the marked answer: {right}")
    _require(plain(given["marked"]) not in map(plain, wrong), "the marked answer is among the wrong choices")


def _grounded(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    passage, support = plain(given["passage"]), [plain(quote) for quote in given["support"]]
    _require(support, "no support from the passage")
    for quote in support:
        _require(quote in passage, f"not in the passage: {quote}")


def _faulted(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    _require(set(given["faults"]) == set(wrong), "a wrong choice has no named mistake")
    for fault in given["faults"].values():
        _require(fault in FAULTS, f"unknown mistake: {fault}")


def _both_texts(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    first, _, second = plain(given["passage"]).partition("text 2")
    for part in (first, second):
        _require(any(plain(quote) in part for quote in given["support"]), "support from one text only")


def _before_the_blank(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    before, blank, _ = plain(given["passage"]).partition(BLANK)
    _require(blank, "no blank to complete")
    _require(all(plain(quote) in before for quote in given["support"]), "a premise stands after the blank")


def _fresh_word(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    _require(given["passage"].count(BLANK) == 1, "not exactly one blank")
    for text in (*right, *wrong):
        _require(len(text.split()) <= 4, f"more than a word or phrase: {text}")
        _require(not re.search(rf"\b{re.escape(plain(text))}\b", plain(given["passage"])), f"already there: {text}")


def _word_in_use(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    word = plain(given["word"])
    _require(re.search(rf"\b{re.escape(word)}\b", plain(given["passage"])), f"the passage does not use {word}")
    _require(word not in {plain(text) for text in (*right, *wrong)}, "the word explains itself")


RULES: dict[str, Callable[[Mapping[str, Any], Sequence[str], Sequence[str]], None]] = {
    "marked": _marked,
    "grounded": _grounded,
    "faulted": _faulted,
    "both texts": _both_texts,
    "before the blank": _before_the_blank,
    "fresh word": _fresh_word,
    "word in use": _word_in_use,
}


def check_editor(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """Apply the rules that the proof names; `marked` always."""
    for rule in dict.fromkeys(("marked", *proof.given["rules"])):
        RULES[rule](proof.given, right, wrong)


def _has(text: str, need: str) -> bool:
    return any(re.search(rf"\b{re.escape(plain(word))}", plain(text)) for word in need.split("|"))


def check_synthesis(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The right choice draws on the notes and does what the goal asks; each wrong one lacks something of it."""
    given = proof.given
    _marked(given, right, wrong)
    notes = plain(" ".join(given["notes"]))
    for term in given["uses"]:
        _require(plain(term) in notes, f"not in the notes: {term}")
        _require(plain(term) in plain(right[0]), f"not used by the right choice: {term}")
    _require(given["needs"], "the goal asks for nothing")
    for need in given["needs"]:
        _require(_has(right[0], need), f"the right choice lacks {need}")
    for text in wrong:
        _require(not all(_has(text, need) for need in given["needs"]), f"meets the goal too: {text}")


OPERATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "=": lambda left, right: abs(left - right) < 1e-9,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


def _operand(given: Mapping[str, Any], operand: str | float) -> float:
    """A number, `row/column`, or the difference or ratio `row/column - row/column`, `row/column : row/column`."""
    if not isinstance(operand, str):
        return float(operand)
    for sign in (" - ", " : "):
        if sign in operand:
            left, right = (_operand(given, part) for part in operand.split(sign))
            return left - right if sign == " - " else left / right
    row, _, column = operand.partition("/")
    place = given["columns"].index(column)
    return float(next(cells for cells in given["rows"] if cells[0] == row)[place])


def _holds(given: Mapping[str, Any], fact: Sequence[Any]) -> bool:
    """Whether `[left, operation, right]` holds in the table; `[row/column, "tops" or "ends", column]` ranks a cell."""
    left, operation, right = fact
    if operation in ("tops", "ends"):
        place = given["columns"].index(right)
        cells = sorted(float(row[place]) for row in given["rows"])
        edge, next_to_edge = (cells[-1], cells[-2]) if operation == "tops" else (cells[0], cells[1])
        return _operand(given, left) == edge != next_to_edge
    return OPERATIONS[operation](_operand(given, left), _operand(given, right))


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*(?<!,)", text.rstrip("."))]


def check_table(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """What the right choice claims holds in the table; each wrong one fails for the reason it is tagged with."""
    given = proof.given
    _marked(given, right, wrong)
    _require(set(given["facts"]) == {*right, *wrong}, "a choice has no facts to check")
    known = {float(cell) for row in given["rows"] for cell in row[1:]} | {float(n) for n in given.get("also", [])}
    known |= {number for label in (*given["columns"], *(row[0] for row in given["rows"])) for number in _numbers(label)}
    for text, facts in given["facts"].items():
        _require(facts, f"no facts: {text}")
        truth = all(_holds(given, fact) for fact in facts)
        fault = given["faults"].get(text)
        if fault is None or fault == "irrelevant":
            _require(truth, f"the table does not say so: {text}")
            strange = [number for number in _numbers(text) if number not in known]
            _require(not strange, f"numbers that the table has not: {strange}")
        else:
            _require(fault == "contradicts the data", f"unknown mistake: {fault}")
            _require(not truth, f"the table does say so: {text}")
    _require(set(given["faults"]) == set(wrong), "a wrong choice has no named mistake")


RELATIONS: dict[str, frozenset[str]] = {
    relation: frozenset(words)
    for relation, words in {
        "contrast": ("However", "By contrast", "In contrast", "On the other hand", "Conversely"),
        "concession": ("Nevertheless", "Nonetheless", "Still", "Even so", "That said"),
        "result": ("Therefore", "As a result", "Consequently", "Thus", "Accordingly", "Hence", "For this reason"),
        "addition": ("In addition", "Moreover", "Furthermore", "Additionally", "What is more"),
        "similarity": ("Similarly", "Likewise", "By the same token"),
        "example": ("For example", "For instance"),
        "restatement": ("In other words", "That is", "Put differently"),
        "specification": ("Specifically", "In particular"),
        "emphasis": ("Indeed", "In fact"),
        "time after": ("Then", "Next", "Later", "Subsequently", "Afterward", "From then on"),
        "time same": ("Meanwhile", "At the same time", "In the meantime"),
        "time end": ("Finally", "Ultimately", "Eventually", "In the end"),
        "time before": ("Previously", "Beforehand", "Earlier", "Until then"),
        "substitution": ("Instead", "Rather"),
        "summary": ("In sum", "In short", "To sum up"),
        "condition": ("Otherwise",),
        "regardless": ("In any case", "Regardless"),
    }.items()
}
# Relations so near to each other that a strict editor could defend either: they never compete in one question.
NEAR = (
    {"contrast", "concession"},
    {"emphasis", "restatement"},
    {"emphasis", "addition"},
    {"example", "specification"},
    {"addition", "similarity"},
    {"restatement", "specification"},
    {"restatement", "summary"},
    {"result", "time end"},
)


def relation_of(transition: str) -> str:
    """The relation that a transition word or phrase expresses; `ProofError` for one that the list has not."""
    word = transition.strip().rstrip(",")
    for relation, words in RELATIONS.items():
        if word in words or word[:1].upper() + word[1:] in words:
            return relation
    raise ProofError(f"unknown transition: {transition}")


def check_transition(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The right word has the annotated relation; no wrong one has it, or one that could pass for it."""
    relation = proof.given["relation"]
    _require(relation in RELATIONS, f"unknown relation: {relation}")
    _require(len(right) == 1 and relation_of(right[0]) == relation, f"{right} does not express {relation}")
    seen = [relation_of(text) for text in wrong]
    _require(len(set(seen)) == len(seen), "two wrong choices express the same relation")
    for text, other in zip(wrong, seen, strict=True):
        near = other == relation or {other, relation} in NEAR
        _require(not near, f"{text} could express {relation} too")


CHECKERS: dict[str, Checker] = {
    "editor": check_editor,
    "synthesis": check_synthesis,
    "table": check_table,
    "transition": check_transition,
    "boundary": check_boundary,
    "verb": check_verb,
    "noun": check_noun,
    "pronoun": check_pronoun,
    "opening": check_opening,
}
