"""How students put each intent: enough phrases, keywords that mislead nobody, and a measure on messages held out."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from bonsai_coaching import texts
from bonsai_coaching.intents import meaning, plain

HELD_OUT: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("intents_heldout.toml").read_text(encoding="utf-8")
)
INTENTS = texts.intents()


def test_each_intent_has_enough_examples_of_its_own() -> None:
    said = Counter(plain(example) for patterns in INTENTS.values() for example in patterns.examples)
    assert [example for example, count in said.items() if count > 1] == []
    assert all(len(patterns.examples) >= 15 for patterns in INTENTS.values())
    assert all(patterns.keywords for intent, patterns in INTENTS.items() if intent != "unknown")


def test_keywords_are_plain_and_belong_to_one_intent() -> None:
    keywords = Counter(keyword for patterns in INTENTS.values() for keyword in patterns.keywords)
    assert [keyword for keyword, count in keywords.items() if count > 1 or plain(keyword) != keyword] == []


def test_no_keyword_takes_an_example_from_another_intent() -> None:
    order = list(INTENTS)
    taken = [
        (intent, keyword, example)
        for intent, patterns in INTENTS.items()
        for keyword in patterns.keywords
        for other in order[order.index(intent) + 1 :]
        for example in INTENTS[other].examples
        if f" {keyword} " in f" {plain(example)} "
    ]
    assert taken == []


def test_messages_held_out_are_new_and_cover_every_intent() -> None:
    known = {plain(example) for patterns in INTENTS.values() for example in patterns.examples}
    assert set(HELD_OUT) == set(INTENTS)
    assert [message for messages in HELD_OUT.values() for message in messages if plain(message) in known] == []
    assert all(len(messages) >= 8 for messages in HELD_OUT.values())


def test_nine_of_ten_messages_held_out_are_understood() -> None:
    found = [
        (intent, meaning(message).intent, message) for intent, messages in HELD_OUT.items() for message in messages
    ]
    missed = [case for case in found if case[0] != case[1]]
    print(f"{len(found) - len(missed)} of {len(found)} messages held out are understood")
    assert len(missed) <= len(found) // 10, missed


def test_a_cry_for_help_is_heard() -> None:
    assert [message for message in HELD_OUT["crisis"] if meaning(message).intent != "crisis"] == []


@pytest.mark.parametrize(
    "message",
    [
        "this test is killing me",
        "i am dying lol",
        "how many kms is 5 miles",
        "cut the rope in two",
        "my life is boring",
    ],
)
def test_a_figure_of_speech_is_no_cry_for_help(message: str) -> None:
    assert meaning(message).intent != "crisis"
