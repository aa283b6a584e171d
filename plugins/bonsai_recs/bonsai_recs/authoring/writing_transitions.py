"""Transitions: two ideas and the word that links them.

`items/transitions.toml` has one `[[link]]` for each question: a text with a blank, four transitions, and the two
ideas in short, as clauses that can follow "that". What a wrong transition would claim of these ideas
(`[misreading]`), and how the right one ties them (`[tie]`), is written once for each relation that a transition can
express.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bonsai_recs.authoring.kit import Draft, Proof, Wrong, fixed
from bonsai_recs.authoring.proofs_editor import relation_of
from bonsai_recs.authoring.prose import COMPLETE_TRANSITION, SLOPES, answer_line, read, seconds_for, unwrap

CONTENT = read("transitions")


def draft_of(link: Mapping[str, Any], number: int) -> Draft:
    """The draft of one link; `number` lets the shared hints take turns."""
    relation, passage, band = relation_of(link["right"]), unwrap(link["text"]), link["band"]
    first, second, tie = link["first"], link["second"], CONTENT["tie"][relation]

    def misreading(word: str) -> str:
        return unwrap(CONTENT["misreading"][relation_of(word)]).format(second=second)

    return Draft(
        stem=COMPLETE_TRANSITION,
        passage=passage,
        answer=link["right"],
        wrong=[Wrong(word, misreading(word)) for word in link["wrong"]],
        rationale=f"The text says first that {first}, and then that {second}. {tie} "
        f'The transition "{link["right"].rstrip(",")}" expresses this relation.',
        band=band,
        hints=(
            CONTENT["goals"][number % len(CONTENT["goals"])].format(about=link["about"]),
            CONTENT["methods"][number % len(CONTENT["methods"])],
            unwrap(link["look"]),
            f"The first idea is that {first}. The second is that {second}. {tie} {answer_line(link['right'])}",
        ),
        strategy=unwrap(CONTENT["strategy"]),
        proof=Proof("transition", {"relation": relation}),
        expected_seconds=seconds_for(len(passage.split()) + 25, band),
        discrimination=SLOPES[band],
    )


fixed(
    "Transitions", [draft_of(link, number) for number, link in enumerate(CONTENT["link"])], name="writing_transitions"
)
