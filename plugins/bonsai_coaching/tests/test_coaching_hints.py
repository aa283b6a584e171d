"""The ladder and what students mean, as plain Python."""

import copy
from typing import Any

import pytest
from bonsai_coaching import hints, intents, texts
from bonsai_coaching.hints import Climb, Rung, TooHigh, TooSoon
from bonsai_coaching.kept import Shelf
from bonsai_coaching.lookup import topic_of
from hypothesis import given
from hypothesis import strategies as st

from bonsai_core import Question
from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS, Choice, Insight, QuestionAnalysis

asks = st.lists(st.tuples(st.integers(0, 25_000), st.one_of(st.none(), st.integers(1, 7))), max_size=40)


@given(asks, st.integers(1, 6), st.sampled_from([0, 10_000]))
def test_a_ladder_is_climbed_one_rung_at_a_time_and_no_faster_than_it_may(
    asks: list[tuple[int, int | None]], rungs: int, dwell: int
) -> None:
    state, now, shown = Climb(), 1_000_000, list[int]()
    opened: int | None = None
    for wait, asked in asks:
        now += wait
        before = copy.copy(state)
        refused: Exception | None = None
        rung, new = 0, False
        try:
            rung, new = hints.climb(state, rungs, asked, now, dwell)
        except (TooSoon, TooHigh) as error:
            refused = error
        following = min(len(shown) + 1, rungs)
        if isinstance(refused, TooSoon):
            assert opened is not None
            assert refused.wait_ms == opened + dwell - now > 0
        elif isinstance(refused, TooHigh):
            assert asked is not None
            assert asked > refused.next == following
        else:
            assert rung == (asked or following)
            assert new == (rung == len(shown) + 1)
            if new:
                assert opened is None or now - opened >= dwell
                opened = now
                shown.append(rung)
            continue
        assert state == before
    assert shown == list(range(1, len(shown) + 1))


def question(skill: str, **more: Any) -> Question:
    domain = DOMAIN_OF_SKILL[skill]
    given: dict[str, Any] = {"stem": "Which?", "answers": ["12.5"], **more}
    return Question(id="q", section=domain.section, domain=domain.name, skill=skill, **given)


@pytest.mark.parametrize("skill", SKILLS)
def test_a_ladder_of_a_skill_has_four_rungs_and_ends_with_a_worked_example(skill: str) -> None:
    ladder = hints.of_skill(skill)
    assert [rung.kind for rung in ladder] == ["goal", "strategy", "step", "solution"]
    assert texts.strategy(skill).example in ladder[-1].text
    assert hints.of_question(question(skill))[-1] == ladder[-1]  # a bank that says nothing at all


def test_a_bank_with_more_hints_keeps_them_all() -> None:
    own = ["One.", "Two.", "Three.", "Four.", "Five.", "It is 12.5."]
    assert hints.of_question(question("Circles", hints=own)) == [
        Rung("goal", "One."),
        Rung("strategy", "Two."),
        Rung("step", "Three."),
        Rung("step", "Four."),
        Rung("step", "Five."),
        Rung("solution", "It is 12.5."),
    ]


def test_what_an_analysis_does_not_know_comes_from_its_skill() -> None:
    insights = [
        Insight(kind="goal", text="Find r."),
        Insight(kind="first_step", text="Draw it."),
        Insight(kind="pace", text="x"),
    ]
    analysis = QuestionAnalysis(
        text="?", stem="s" * 9000, skill="Circles", section="Math", insights=insights, difficulty={"easy": 1, "hard": 1}
    )
    reading = hints.read("shot", analysis)
    _, approach, _ = texts.skill_hints("Circles")
    assert [rung.text for rung in hints.of_reading(reading)][:3] == ["Find r.", approach, "Draw it."]
    assert reading.band == pytest.approx(4.25)
    assert len(reading.stem) < 9000
    assert reading.as_analysis().skill == "Circles"
    unknown = hints.read("shot", QuestionAnalysis(text="?", stem="?"))
    assert (unknown.skill, unknown.band) == ("", None)
    assert len({rung.text for rung in hints.of_reading(unknown)}) == 4


def test_only_a_wrong_choice_has_a_misconception() -> None:
    choices = [Choice(key="A", text="1", misconception="Halved."), Choice(key="B", text="2"), Choice(key="C", text="3")]
    asked = question("Circles", choices=choices, answers=["B"])
    told = {answer: hints.misconception(asked, answer) for answer in ("A", "a.", "B", "C", "Z", "")}
    assert told == {
        "A": "You chose A. Halved.",
        "a.": "You chose A. Halved.",
        **dict.fromkeys(("B", "C", "Z", "")),
    }


class Memory:
    """A session's documents, in memory."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}

    async def load(self, key: str, *, scope: str) -> Any:
        return self.documents.get(key)

    def save(self, key: str, value: Any, *, scope: str) -> None:
        self.documents[key] = value


async def test_a_shelf_is_bounded_and_lets_the_oldest_go() -> None:
    shelf, memory = Shelf("climbs", Climb, shards=2, each=3), Memory()
    session: Any = memory
    for number in range(40):
        await shelf.put(session, f"q{number}", Climb(rung=number))
        assert await shelf.get(session, f"q{number}") == Climb(rung=number)
    assert len(memory.documents) == 2
    assert all(len(document) == 3 for document in memory.documents.values())
    assert await shelf.get(session, "q0") is None
    kept = next(iter(memory.documents["climbs.0"]))
    await shelf.put(session, kept, Climb(rung=1))
    assert next(iter(memory.documents["climbs.0"])) != kept


# What students mean


def test_every_example_is_understood() -> None:
    missed = {
        example: intents.meaning(example).intent
        for intent, patterns in texts.intents().items()
        for example in patterns.examples
        if intents.meaning(example).intent != intent
    }
    assert missed == {}


@pytest.mark.parametrize(
    ("text", "intent", "skill"),
    [
        ("How do I do CIRCLES?", "strategy", "Circles"),
        ("circles are weird", "unknown", "Circles"),
        ("strategy for transitions", "strategy", "Transitions"),
        ("I'm SO stuck!!!", "hint", None),
        ("im stuk", "hint", None),
        ("Can you explain it differently?", intents.REPHRASE, None),
        ("i dont understand the hint", intents.REPHRASE, None),
        ("is 7 right?", "give_answer", None),
        ("my answer is 12, ok?", "give_answer", None),
        ("I want to kill myself, this is too hard", "crisis", None),
        ("explain it simpler or i want to die", "crisis", None),
        ("why does the line cross there", "unknown", None),
        ("", "unknown", None),
        ("?!", "unknown", None),
        ("word " * 60 + "hint", "unknown", None),
        ("word " * 60 + "just tell me the answer", "give_answer", None),
    ],
)
def test_meanings(text: str, intent: str, skill: str | None) -> None:
    assert intents.meaning(text) == intents.Meaning(intent, skill)


@given(st.text(max_size=2000))
def test_any_message_means_something(text: str) -> None:
    assert intents.meaning(text).intent in {*texts.intents(), intents.REPHRASE}


def test_topics_are_known_by_their_names_and_short_names() -> None:
    for topic in texts.TOPICS:
        assert topic_of(topic.upper()) == topic
        assert topic_of(texts.short_name(topic)) == topic
    assert topic_of("alchemy") is None
    assert topic_of("") is None
