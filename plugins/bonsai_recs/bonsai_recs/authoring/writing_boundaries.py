"""Boundaries: which mark may stand between two units of a sentence.

`items/boundaries.toml` has one `[[frame]]` for each rule: the kind of junction (as `proofs_grammar.LEGAL` names it,
or `supplement`), the right mark with its spaces, three wrong marks with what to tell the student, and the hints.
Below it stand its sentences: `context`, then `left`, the blank, and `rest`. The blank holds the last word before the
junction and the first one after it, so each choice is `before` + mark + `after`. In the frame's texts, `{opening}` is
the start of the sentence and `{tail}` what follows the junction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bonsai_recs.authoring.kit import Draft, Proof, Wrong, fixed
from bonsai_recs.authoring.proofs_grammar import SUPPLEMENT, fault_of, joint_of
from bonsai_recs.authoring.prose import COMPLETE_STANDARD, SLOPES, answer_line, read, seconds_for, unwrap

FRAMES: list[dict[str, Any]] = read("boundaries")["frame"]


def choice(sentence: Mapping[str, Any], mark: str) -> str:
    """What fills the blank with this mark; after a period, a capital letter follows."""
    after = sentence["after"]
    return f"{sentence['before']}{mark}{after[:1].upper() + after[1:] if mark.startswith('.') else after}"


def draft_of(frame: Mapping[str, Any], sentence: Mapping[str, Any]) -> Draft:
    """The draft of one sentence under a frame."""
    left, rest = unwrap(sentence["left"]), unwrap(sentence["rest"])
    ends = sentence["before"], sentence["after"]
    slots = {
        "before": ends[0],
        "after": ends[1].rstrip(",;"),
        "opening": " ".join(left.split()[:4]),
        "tail": " ".join([ends[1], *rest.split()[:3]]).rstrip(" .,;"),
    }
    text = {key: unwrap(frame[key]).format(**slots) for key in ("goal", "method", "look", "walk", "why", "strategy")}
    right = choice(sentence, frame["right"])
    wrong = [Wrong(choice(sentence, mark), why.format(**slots)) for mark, why in frame["wrong"]]
    junction = frame["junction"]
    opened = frame["right"].strip() if junction == SUPPLEMENT else ""
    faults = {each.text: fault_of(junction, joint_of(each.text, *ends), opened) for each in wrong}
    given = {"junction": junction, "open": opened, "before": ends[0], "after": ends[1], "faults": faults}
    passage = f"{unwrap(sentence['context'])} {left} ______ {rest}"
    return Draft(
        stem=COMPLETE_STANDARD,
        passage=passage,
        answer=right,
        wrong=wrong,
        rationale=text["why"],
        band=sentence["band"],
        hints=(text["goal"], text["method"], text["look"], f"{text['walk']} {answer_line(right)}"),
        strategy=text["strategy"],
        proof=Proof("boundary", given),
        expected_seconds=seconds_for(len(passage.split()) + 20, sentence["band"]),
        discrimination=SLOPES[sentence["band"]],
    )


fixed(
    "Boundaries",
    [draft_of(frame, sentence) for frame in FRAMES for sentence in frame["sentence"]],
    name="writing_boundaries",
)
