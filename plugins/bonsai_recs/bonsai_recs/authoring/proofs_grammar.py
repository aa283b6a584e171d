"""Rules of Standard English punctuation and forms, as far as a program can apply them to an annotated slot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bonsai_recs.authoring.kit import Proof, ProofError

COORDINATORS = frozenset({", and", ", but", ", so", ", yet", ", or", ", for"})
STOPS = frozenset({";", "."})

# Which marks may stand between two units; "" is none.
LEGAL: dict[str, frozenset[str]] = {
    "sentence+sentence": STOPS | COORDINATORS,
    "sentence+explanation": STOPS | COORDINATORS | {":", "—"},
    "sentence+adverb sentence": frozenset({"; ADV,", ". ADV,"}),
    "sentence adverb+sentence": frozenset({", ADV;", ", ADV."}),
    "subordinate+sentence": frozenset({","}),
    "sentence+subordinate": frozenset({""}),
    "opening phrase+sentence": frozenset({","}),
    "sentence+closing phrase": frozenset({",", "—"}),
    "sentence+list": frozenset({":", "—"}),
    "verb+list": frozenset({""}),
    "subject+verb": frozenset({""}),
    "title+name": frozenset({""}),
    "noun+essential clause": frozenset({""}),
    "long item+long item": frozenset({";"}),
}
ADVERBS = (
    "however",
    "therefore",
    "moreover",
    "nevertheless",
    "instead",
    "for example",
    "in fact",
    "consequently",
    "though",
)
SUPPLEMENT = "supplement"  # its closing mark is its opening one, which `given["open"]` names


def joint_of(choice: str, before: str, after: str) -> str:
    """What a choice puts between its first and last words: `coast; these` between `coast` and `these` gives `;`."""
    match = re.fullmatch(rf"{re.escape(before)}(.*?){re.escape(after)}", choice, re.IGNORECASE | re.DOTALL)
    if not match:
        raise ProofError(f"{choice!r} does not run from {before!r} to {after!r}")
    joint = re.sub(r"\s*—\s*", "—", match[1]).strip()
    for adverb in ADVERBS:
        joint = re.sub(rf"\b{adverb}\b", "ADV", joint, flags=re.IGNORECASE)
    return joint


def fault_of(junction: str, joint: str, opened: str = "") -> str | None:
    """The name of the mistake that a mark at a junction makes; None where it is right."""
    if junction == SUPPLEMENT:
        return None if joint == opened else "unmatched marks"
    if junction not in LEGAL:
        raise ProofError(f"unknown junction: {junction}")
    if joint in LEGAL[junction]:
        return None
    left, _, right = junction.partition("+")
    if left.startswith("sentence") and right.endswith(("sentence", "explanation")):
        return {
            "": "run-on",
            ",": "comma splice",
            ", ADV,": "comma splice",
            ", ADV": "comma splice",
            "ADV": "run-on",
            "; ADV,": "adverb on the wrong side",
            ", ADV;": "adverb on the wrong side",
            "and": "missing comma",
            "but": "missing comma",
        }.get(joint, "misplaced mark")
    if joint in STOPS | {"; and"}:
        return "fragment" if {"subordinate", "opening phrase", "closing phrase"} & {left, right} else "needless break"
    if joint == "":
        return "missing mark"
    if junction in ("subject+verb", "verb+list", "title+name", "noun+essential clause", "sentence+subordinate"):
        return "needless mark"
    return "misplaced mark"


def check_boundary(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The right choice's mark may stand at the junction; each wrong one makes the mistake that its author named."""
    given = proof.given
    junction, opened = given["junction"], given.get("open", "")
    ends = given["before"], given["after"]
    for text in right:
        fault = fault_of(junction, joint_of(text, *ends), opened)
        if fault:
            raise ProofError(f"{text!r}: {fault}")
    if set(given["faults"]) != set(wrong):
        raise ProofError("a wrong choice has no named mistake")
    for text in wrong:
        fault = fault_of(junction, joint_of(text, *ends), opened)
        if fault != given["faults"][text]:
            raise ProofError(f"{text!r}: {fault or 'no mistake'}, not {given['faults'][text]}")


def verb_forms(base: str, third: str, past: str, participle: str, gerund: str) -> dict[str, dict[str, Any]]:
    """Every form of a verb that questions use, with its features: finite, number (None fits both), tense, voice."""

    def finite(number: str | None, tense: str, voice: str = "active") -> dict[str, Any]:
        return {"finite": True, "number": number, "tense": tense, "voice": voice}

    loose = {"finite": False, "number": None, "tense": None, "voice": "active"}
    forms: dict[str, dict[str, Any]] = {
        gerund: loose,
        f"to {base}": loose,
        f"having {participle}": loose,
        f"to have {participle}": loose,
        f"being {participle}": loose | {"voice": "passive"},
        f"having been {participle}": loose | {"voice": "passive"},
        base: finite("plural", "present"),
        third: finite("singular", "present"),
        f"has {participle}": finite("singular", "present perfect"),
        f"have {participle}": finite("plural", "present perfect"),
        f"had {participle}": finite(None, "past perfect"),
        f"will {base}": finite(None, "future"),
        f"will have {participle}": finite(None, "future perfect"),
        f"would {base}": finite(None, "conditional"),
        f"is {gerund}": finite("singular", "present"),
        f"are {gerund}": finite("plural", "present"),
        f"was {gerund}": finite("singular", "past"),
        f"were {gerund}": finite("plural", "past"),
        f"has been {gerund}": finite("singular", "present perfect"),
        f"have been {gerund}": finite("plural", "present perfect"),
        f"is {participle}": finite("singular", "present", "passive"),
        f"are {participle}": finite("plural", "present", "passive"),
        f"was {participle}": finite("singular", "past", "passive"),
        f"were {participle}": finite("plural", "past", "passive"),
        f"has been {participle}": finite("singular", "present perfect", "passive"),
        f"have been {participle}": finite("plural", "present perfect", "passive"),
    }
    if base == "be":
        forms = {key: value for key, value in forms.items() if key.split()[0] not in {"is", "are", "was", "were", "be"}}
        forms |= {
            "is": finite("singular", "present"),
            "are": finite("plural", "present"),
            "was": finite("singular", "past"),
            "were": finite("plural", "past"),
        }
    else:
        forms[past] = finite(None, "past")
    return forms


def fits(features: dict[str, Any], needs: dict[str, Any]) -> bool:
    """Whether a form has what a slot needs; a form without number fits either."""
    return all(
        features.get(name) in (need if isinstance(need, list) else [need])
        or (name == "number" and features.get(name) is None and features.get("finite", True))
        for name, need in needs.items()
    )


def _check_features(
    forms: dict[str, dict[str, Any]], needs: dict[str, Any], right: Sequence[str], wrong: Sequence[str]
) -> None:
    for text in (*right, *wrong):
        if text.casefold() not in forms:
            raise ProofError(f"unknown form: {text}")
    for text in right:
        if not fits(forms[text.casefold()], needs):
            raise ProofError(f"{text!r} does not fit {needs}")
    for text in wrong:
        if fits(forms[text.casefold()], needs):
            raise ProofError(f"{text!r} fits {needs} too")


def check_verb(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """`verb` gives the five parts (base, third person, past, participle, -ing form); `needs` the slot's features."""
    forms = verb_forms(*proof.given["verb"])
    _check_features({key.casefold(): value for key, value in forms.items()}, proof.given["needs"], right, wrong)


def noun_kinds(singular: str, plural: str) -> dict[str, str]:
    """The four written forms of a noun and what each is."""
    owner = "'" if plural.endswith("s") else "'s"
    return {
        singular: "singular",
        f"{singular}'s": "singular owner",
        plural: "plural",
        f"{plural}{owner}": "plural owner",
    }


def check_noun(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """`nouns` gives singular and plural of each noun in the choice; `needs` what each of them has to be."""
    kinds = [noun_kinds(*pair) for pair in proof.given["nouns"]]

    def read(text: str) -> list[str | None]:
        words = [word for word in text.split() if word not in proof.given.get("fixed", [])]
        if len(words) != len(kinds):
            raise ProofError(f"{text!r} has not {len(kinds)} nouns")
        return [kind.get(word) for kind, word in zip(kinds, words, strict=True)]

    for text in right:
        if read(text) != proof.given["needs"]:
            raise ProofError(f"{text!r} is {read(text)}, not {proof.given['needs']}")
    for text in wrong:
        if read(text) == proof.given["needs"]:
            raise ProofError(f"{text!r} fits too")
        if None in read(text):
            raise ProofError(f"{text!r} is no form of its nouns")


PRONOUNS: dict[str, dict[str, Any]] = {
    "it": {"number": "singular", "role": "object"},
    "its": {"number": "singular", "role": "owner"},
    "it's": {"number": "singular", "role": "clause"},
    "itself": {"number": "singular", "role": "reflexive"},
    "them": {"number": "plural", "role": "object"},
    "they": {"number": "plural", "role": "subject"},
    "their": {"number": "plural", "role": "owner"},
    "they're": {"number": "plural", "role": "clause"},
    "there": {"number": None, "role": "place"},
    "themselves": {"number": "plural", "role": "reflexive"},
    "that": {"number": "singular", "role": "stand-in"},
    "those": {"number": "plural", "role": "stand-in"},
    "this": {"number": "singular", "role": "stand-in"},
    "these": {"number": "plural", "role": "stand-in"},
    "whose": {"number": None, "role": "relative owner"},
    "who's": {"number": None, "role": "clause"},
    "who": {"number": None, "role": "relative subject"},
    "whom": {"number": None, "role": "relative object"},
    "which": {"number": None, "role": "relative thing"},
    "one's": {"number": "singular", "role": "owner of anyone"},
    "your": {"number": None, "role": "owner you"},
    "our": {"number": "plural", "role": "owner we"},
    "his": {"number": "singular", "role": "owner he"},
    "him": {"number": "singular", "role": "object he"},
}


def check_pronoun(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """`needs` names the number and role of the slot."""
    _check_features(PRONOUNS, proof.given["needs"], right, wrong)


def check_opening(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """After an opening phrase without its own subject, the sentence has to begin with `doer`, not with what it owns."""
    doer = proof.given["doer"]

    def begins(text: str) -> bool:
        return re.match(rf"{re.escape(doer)}(?!['\w])", text, re.IGNORECASE) is not None

    for text in right:
        if not begins(text):
            raise ProofError(f"{text!r} does not begin with {doer!r}")
    for text in wrong:
        if begins(text):
            raise ProofError(f"{text!r} begins with {doer!r} too")
