"""What the coach says: complete for every skill and kind, and valid with any value."""

from __future__ import annotations

import re
import string
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from bonsai_coaching import texts

from bonsai_core.domain import SKILLS

LONGEST = 240
NUDGES = {
    "idle", "two_wrong", "wheel_spinning", "rapid_guessing", "pace_deficit", "hard_question", "mastery", "streak",
    "review_due", "session_start", "session_end", "tired", "long_absence",
}  # fmt: skip
INTENTS = {
    "greeting", "thanks", "hint", "strategy", "why_wrong", "give_answer", "next_question", "break", "how_am_i_doing",
    "motivation", "stressed", "crisis", "pacing", "guessing", "test_day", "tutor", "unknown",
}  # fmt: skip
SAMPLES: dict[str, list[Any]] = {
    "skill": list(texts.TOPICS),
    "count": [1, 2, 12],
    "seconds": [1, 4.4, 60, 150, 3000],
    "percent": [0, 16.7, 100],
    "answered": [1, 2, 40],
    "correct": [0, 1],
    "days": [1, 8, 200],
}
FILES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in Path(texts.__file__ or "").parent.glob("*.toml")
}


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def every_text(topic: str) -> dict[str, str]:
    """All that is said about a topic, by where it stands."""
    strategy = texts.strategy(topic)
    found = {name: getattr(strategy, name) for name in ("title", "when", "trap", "example")}
    found |= {f"step {number}": step for number, step in enumerate(strategy.steps)}
    if topic in SKILLS:
        found |= {f"hint {rung}": hint for rung, hint in enumerate(texts.skill_hints(topic))}
    return found


# Strategies and hints


def test_there_is_a_strategy_for_every_skill_and_for_test_taking() -> None:
    assert list(texts.TOPICS) == [*SKILLS, "pacing", "guessing", "test day"]
    for topic in texts.TOPICS:
        strategy = texts.strategy(topic)
        assert strategy.skill == topic
        assert all(text.strip() == text != "" for text in every_text(topic).values())
        assert 3 <= len(strategy.steps) <= 6
        assert len(texts.short_name(topic)) <= 25


def test_nothing_is_said_twice() -> None:
    said = Counter(text for topic in texts.TOPICS for text in every_text(topic).values())
    said.update(texts.short_name(topic) for topic in texts.TOPICS)
    said.update(text for file in ("nudges", "replies") for entry in FILES[file].values() for text in entry["variants"])
    assert [text for text, count in said.items() if count > 1] == []


def test_a_strategy_is_the_payload_that_the_protocol_promises() -> None:
    assert set(texts.strategy("Circles").model_dump(by_alias=True)) == {
        *("skill", "title", "when", "steps", "trap", "example")
    }


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(KeyError, match="Juggling"):
        texts.strategy("Juggling")
    with pytest.raises(KeyError, match="Juggling"):
        texts.skill_hints("Juggling")
    with pytest.raises(KeyError, match="pacing"):
        texts.skill_hints("pacing")
    with pytest.raises(KeyError, match="nap"):
        texts.nudge("nap", 0)
    with pytest.raises(KeyError, match="nap"):
        texts.reply("nap", 0)


def test_hints_of_a_skill_hold_no_number_and_no_letter_of_a_choice() -> None:
    for skill in SKILLS:
        for hint in texts.skill_hints(skill):
            assert not re.search(r"\d|[π°%]|\b(choice|answer|option) [A-D]\b", hint), (skill, hint)
    for hint in texts.skill_hints("Form, Structure, and Sense"):
        assert not re.search(r"\b(its|it's|their|there|they're|your|whose|who's|whom)\b", hint), hint


def test_reading_is_cheap_and_happens_at_first_use() -> None:
    code = "import sys, bonsai_coaching.texts as t; assert 'tomllib' not in sys.modules; t.strategy('Circles')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)


# Nudges and replies


def test_every_kind_and_intent_has_enough_texts() -> None:
    assert set(texts.kinds()) == set(FILES["nudges"]) == NUDGES
    assert all(texts.variants(kind) >= 5 for kind in NUDGES)
    assert set(texts.intents()) == INTENTS == set(FILES["replies"]) - {"no_answers_yet"}
    assert all(texts.reply_variants(intent) >= 3 for intent in FILES["replies"])


@pytest.mark.parametrize("file", ["nudges", "replies"])
def test_each_value_that_a_kind_names_is_used_and_no_other(file: str) -> None:
    for kind, entry in FILES[file].items():
        assert set(entry["values"]) == set[str]().union(*map(names, entry["variants"])), kind
        assert set(entry["values"]) <= SAMPLES.keys()
        assert sum(not names(text) for text in entry["variants"]) >= (2 if file == "nudges" else 0), kind
    assert texts.placeholders("two_wrong") == {"skill", "count"}
    assert texts.reply_placeholders("how_am_i_doing") == {"answered", "correct", "percent"}


def rendered(file: str) -> Iterator[tuple[str, str]]:
    for kind, entry in FILES[file].items():
        say = texts.nudge if file == "nudges" else texts.reply
        for values in product(*(SAMPLES[name] for name in entry["values"])):
            given = dict(zip(entry["values"], values, strict=True))
            for variant in range(len(entry["variants"])):
                yield f"{kind} {variant} {given}", say(kind, variant, **given)


@pytest.mark.parametrize("file", ["nudges", "replies"])
def test_each_text_is_valid_with_any_value(file: str) -> None:
    for where, text in rendered(file):
        assert len(text) <= LONGEST, where
        assert not re.search(r"[{}]|  |None|\.\d", text), (where, text)
        assert not re.search(r"(?<![\d.])1 \w+s\b(?<!miss)(?<!was)", text), (where, text)
        assert not re.search(r"\b(?:\d*[02-9]|\d+1) (question|answer|try|miss|day|minute|second)\b", text), (
            where,
            text,
        )
        assert re.match(r"[A-Z0-9]", text), (where, text)
        assert re.search(r"[.?!]$", text), (where, text)


def test_values_are_told_as_a_tutor_would() -> None:
    skill = "Systems of two linear equations in two variables"
    assert texts.nudge("two_wrong", 0, skill=skill, count=2).startswith("That makes 2 misses on systems of equations.")
    assert texts.nudge("wheel_spinning", 1, skill="a tutor's own topic", count=1).startswith("1 try at a tutor's own")
    assert texts.nudge("idle", 0, seconds=99.4).startswith("You have been on this one for 99 seconds.")
    assert texts.nudge("idle", 0, seconds=200).startswith("You have been on this one for 3 minutes.")
    assert texts.nudge("session_end", 2, answered=3, correct=2, percent=66.7).startswith("67% right")


def test_a_value_that_is_not_known_only_narrows_the_choice() -> None:
    known = {texts.nudge("idle", variant) for variant in range(20)}
    assert 2 <= len(known) < texts.variants("idle")
    assert {texts.nudge("idle", variant, skill=None, seconds=None) for variant in range(20)} == known
    assert texts.nudge("idle", 1, count=3) == texts.nudge("idle", 1)


def test_variants_wrap_around() -> None:
    assert texts.nudge("streak", texts.variants("streak"), count=5) == texts.nudge("streak", 0, count=5)
    assert len({texts.nudge("streak", variant, count=5) for variant in range(texts.variants("streak"))}) == 6


def test_asking_how_it_goes_before_the_first_answer_gets_no_zero_percent() -> None:
    assert texts.reply("how_am_i_doing", 0, answered=0, correct=0, percent=0) == texts.reply("no_answers_yet", 0)
    assert texts.reply("how_am_i_doing", 0) == texts.reply("no_answers_yet", 0)
    assert "17 of 27" in texts.reply("how_am_i_doing", 0, answered=27, correct=17, percent=63)


def test_who_is_in_danger_is_told_whom_to_call() -> None:
    for variant in range(texts.reply_variants("crisis")):
        assert re.search(r"\b988\b", texts.reply("crisis", variant))
    assert next(iter(texts.intents())) == "crisis"
