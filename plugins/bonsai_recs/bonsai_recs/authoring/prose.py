"""Reads hand-written questions from the TOML files in `items/` and makes drafts of them.

A file has tables `[ask.<name>]`, each a way of asking with its stem and the hints that its questions share (see `Ask`),
and one `[[item]]` for each question:

    ask      which of the file's asks it uses
    about    what the text is about, as a noun phrase for the first hint
    band     1 to 7
    text     the passage; `{table}` in it is replaced by the item's table
    right    the right choice
    wrong    three of [named mistake, choice, what to tell the student]
    support  words of the passage, verbatim, that the answer rests on
    look     third hint: where in the text it is decided
    walk     fourth hint: the reasoning, to which the answer is added
    why      the rationale

An item may have `stem`, `seconds` and `slope` of its own, and `verse = true` for a poem, whose lines are kept.
Questions on notes have `goal`, `notes`, `needs` and `uses`; those on tables `columns`, `rows` and `facts` (see
`proofs_editor`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from bonsai_recs.authoring.kit import Draft, Proof, Wrong

COMPLETE_TRANSITION = "Which choice completes the text with the most logical transition?"
COMPLETE_STANDARD = "Which choice completes the text so that it conforms to the conventions of Standard English?"

# The author's guess of how sharply a question separates students, by band; responses replace it later.
SLOPES = {1: 0.8, 2: 0.9, 3: 1.05, 4: 1.2, 5: 1.25, 6: 1.15, 7: 1.0}


@dataclass(frozen=True, slots=True)
class Ask:
    """One way of asking: its stem and what its hints have in common.

    Attributes:
        stem: what is asked; an item may have its own. `{goal}` and `{word}` are the item's.
        goals: first hints, of which items take turns; `{about}` is the item's.
        methods: second hints, likewise.
        strategy: the approach, shown with the question's review.
        rules: which rules of `proofs_editor.RULES` apply.
        kind: the proof's kind.
    """

    stem: str
    goals: Sequence[str]
    methods: Sequence[str]
    strategy: str
    rules: Sequence[str] = ()
    kind: str = "editor"


def read(name: str) -> dict[str, Any]:
    """The content of `items/<name>.toml`."""
    text = files("bonsai_recs.authoring").joinpath("items", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def unwrap(text: str, *, verse: bool = False) -> str:
    """Lines joined to paragraphs; a blank line starts a new one. The heading "Text 1" and verse keep their lines."""
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", text.strip())
    if verse:
        return text
    text = re.sub(r"^(Text [12])\n", "\\1\0", text, flags=re.MULTILINE)
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text).replace("\0", "\n")


def seconds_for(words: int, band: int) -> float:
    """A usual time for reading this many words and choosing, 45 to 110 seconds."""
    return float(min(110, max(45, 5 * round((15 + 0.3 * words + 5 * band) / 5))))


def answer_line(right: str) -> str:
    """The end of a worked solution."""
    if right.startswith('"'):
        return f"The answer is {right}"
    right = right.rstrip(",")
    return f'The answer is "{right}"' if right.endswith((".", "?", "!")) else f'The answer is "{right}."'


def table_text(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as lines of text, its cells parted by bars."""

    def cell(value: Any) -> str:
        return f"{value:,}" if isinstance(value, int) else str(value)

    lines = [columns, *([cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _proof(item: Mapping[str, Any], ask: Ask, passage: str) -> Proof:
    given: dict[str, Any] = {"marked": item["right"], "faults": {wrong[1]: wrong[0] for wrong in item["wrong"]}}
    if ask.kind == "editor":
        given |= {"rules": list(ask.rules), "passage": passage, "support": item["support"]}
        if "word" in item:
            given["word"] = item["word"]
    elif ask.kind == "synthesis":
        given |= {"notes": item["notes"], "uses": item["uses"], "needs": item["needs"]}
    else:
        given |= {"columns": item["columns"], "rows": item["rows"], "also": item.get("also", [])}
        given["facts"] = {item["right"]: item["facts"], **{wrong[1]: wrong[3] for wrong in item["wrong"]}}
    return Proof(ask.kind, given)


def draft_of(item: Mapping[str, Any], ask: Ask, number: int) -> Draft:
    """The draft of one item; `number` is its place in the file, by which the shared hints take turns."""
    passage = unwrap(item["text"], verse=item.get("verse", False))
    if "rows" in item:
        table = table_text(item["columns"], item["rows"])
        passage = re.sub(r"\s*\{table\}\s*", f"\n\n{table}\n\n", passage).strip()
    if "notes" in item:
        passage += "\n\n" + "\n".join(f"• {note}" for note in item["notes"])
    stem = unwrap(item.get("stem", ask.stem)).format(**{k: v for k, v in item.items() if isinstance(v, str)})
    words = len(" ".join([passage, stem, item["right"], *(wrong[1] for wrong in item["wrong"])]).split())
    return Draft(
        stem=stem,
        answer=item["right"],
        wrong=[Wrong(wrong[1], wrong[2]) for wrong in item["wrong"]],
        rationale=unwrap(item["why"]),
        band=item["band"],
        hints=(
            ask.goals[number % len(ask.goals)].format(about=item["about"]),
            ask.methods[number % len(ask.methods)],
            unwrap(item["look"]),
            f"{unwrap(item['walk'])} {answer_line(item['right'])}",
        ),
        strategy=unwrap(ask.strategy),
        proof=_proof(item, ask, passage),
        passage=passage,
        expected_seconds=float(item.get("seconds", seconds_for(words, item["band"]))),
        discrimination=float(item.get("slope", SLOPES[item["band"]])),
    )


def load(name: str) -> list[Draft]:
    """All drafts of `items/<name>.toml`.

    Raises:
        KeyError: an item lacks a field, or asks in a way that the file does not describe.
    """
    content = read(name)
    asks = {key: Ask(**ask) for key, ask in content["ask"].items()}
    return [draft_of(item, asks[item["ask"]], number) for number, item in enumerate(content["item"])]
