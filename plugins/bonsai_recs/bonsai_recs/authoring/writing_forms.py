"""Form, Structure, and Sense: the form that a word has to take in its sentence.

`items/forms.toml` has one `[[rule]]` for each point of grammar, with its proof's kind and its hints; below it stand
its slots, each a text with a blank, four forms, and what the checker needs (`given`). In the rule's texts,
`{subject}` is what decides the form, and `{near}` what may mislead, or what gives the time or the main verb.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bonsai_recs.authoring.kit import Draft, Proof, Wrong, fixed
from bonsai_recs.authoring.prose import COMPLETE_STANDARD, SLOPES, answer_line, read, seconds_for, unwrap

RULES: list[dict[str, Any]] = read("forms")["rule"]


def draft_of(rule: Mapping[str, Any], slot: Mapping[str, Any]) -> Draft:
    """The draft of one slot under a rule."""
    words = {"subject": slot["subject"], "near": slot["near"]}
    text = {key: unwrap(rule[key]).format(**words) for key in ("goal", "method", "look", "walk", "why", "strategy")}
    passage, band = unwrap(slot["text"]), slot["band"]
    return Draft(
        stem=COMPLETE_STANDARD,
        passage=passage,
        answer=slot["right"],
        wrong=[Wrong(form, why.format(**words)) for form, why in slot["wrong"]],
        rationale=text["why"],
        band=band,
        hints=(text["goal"], text["method"], text["look"], f"{text['walk']} {answer_line(slot['right'])}"),
        strategy=text["strategy"],
        proof=Proof(rule["kind"], slot["given"]),
        expected_seconds=seconds_for(len(passage.split()) + 15, band),
        discrimination=SLOPES[band],
    )


fixed(
    "Form, Structure, and Sense",
    [draft_of(rule, slot) for rule in RULES for slot in rule["slot"]],
    name="writing_forms",
)
