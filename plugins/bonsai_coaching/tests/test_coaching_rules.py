"""The coach on recorded and on random sessions: each trigger fires where its rule says, and no budget is broken."""

import importlib.util
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bonsai_coaching import replies, texts
from bonsai_coaching.budget import Budget
from bonsai_coaching.coach import Coach, Nudge, check
from bonsai_coaching.facts import (
    AnswerFact,
    ConnectFact,
    EndFact,
    HintFact,
    ListFact,
    MasteryFact,
    ShownFact,
    TickFact,
)
from bonsai_coaching.replay import Line, RecordingError, play, read_recording
from bonsai_coaching.rules import Rule, RuleError, Signals, make_rule, read_rules
from bonsai_coaching.signals import MOCK_MS
from bonsai_coaching.watch import DAY_MS, SITTING_MS, Student, Watch, sitting
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bonsai_core.domain import SKILLS

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))
RULES = read_rules()
NOW = 1_735_689_600_000


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_each_trigger_fires_exactly_where_its_rule_says(path: Path) -> None:
    played = list(play(Coach(RULES), read_recording(path)))
    wrong = [
        f"line {p.number} at {p.line.at:g} s: {p.line.expect} expected; {p.nudge and (p.nudge.kind, p.nudge.reason)}"
        for p in played
        if not p.as_expected
    ]
    assert wrong == []


@pytest.mark.parametrize("number", range(len(RULES)), ids=lambda number: f"{number}-{RULES[number].kind}")
def test_every_rule_fires_in_a_recording_and_would_be_missed(number: int) -> None:
    without = [rule for place, rule in enumerate(RULES) if place != number]
    kind = RULES[number].kind
    fired = [
        p for path in RECORDED for p in play(Coach(RULES), read_recording(path)) if p.nudge and p.nudge.kind == kind
    ]
    assert fired
    assert any(not p.as_expected for path in RECORDED for p in play(Coach(without), read_recording(path)))


def test_every_message_says_why_it_came_and_what_to_do() -> None:
    said = [p.nudge for path in RECORDED for p in play(Coach(RULES), read_recording(path)) if p.nudge is not None]
    assert len(said) > 40
    for nudge in said:
        assert nudge.reason.endswith(".")
        assert "{" not in nudge.reason + nudge.message
        for action in nudge.actions:
            assert action.event is None or ":" in action.event
    assert {nudge.kind for nudge in said} == set(texts.kinds()) == {rule.kind for rule in RULES}


def test_the_reason_tells_the_numbers() -> None:
    def reason(name: str, kind: str) -> str:
        path = next(path for path in RECORDED if path.stem == name)
        return next(
            p.nudge.reason for p in play(Coach(RULES), read_recording(path)) if p.nudge and p.nudge.kind == kind
        )

    assert reason("two_wrong", "two_wrong") == "2 wrong answers in a row on area and volume."
    assert reason("idle", "idle") == "You have been on this question for 120 s; it usually takes 60 s."
    assert reason("pace_deficit", "pace_deficit") == "Your last 6 questions took 44 % more time than the test allows."
    assert reason("hard_question", "hard_question").startswith("Your chance to get this right is about 31 %")


def test_reasons_are_as_easy_to_read_as_the_texts() -> None:
    spec = importlib.util.spec_from_file_location("levels", Path(__file__).with_name("test_coaching_reading_level.py"))
    assert spec is not None and spec.loader is not None
    levels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(levels)
    reasons = {p.nudge.reason for path in RECORDED for p in play(Coach(RULES), read_recording(path)) if p.nudge}
    reasons |= {
        rule.why.format_map(defaultdict(lambda: 12, skill=texts.short_name(skill)))
        for rule in RULES
        for skill in SKILLS
    }
    ours = [value for name, value in vars(replies).items() if name.isupper() and isinstance(value, str)]
    assert len(ours) == 4
    assert {text: levels.grade(text) for text in (*reasons, *ours) if levels.grade(text) > levels.HIGHEST} == {}


# Documents survive being stored: a recording played with a store in between is the same.


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_documents_hold_all_that_the_coach_needs(path: Path) -> None:
    def stored(lines: list[Line]) -> list[str | None]:
        coach = Coach(RULES)
        said: list[str | None] = []
        watch_json: bytes | None = None
        student_json = msgspec.json.encode(Student())
        for line in lines:
            now = NOW + round(line.at * 1000)
            found = msgspec.json.decode(watch_json, type=Watch) if watch_json is not None else None
            watch, first = sitting(found, now)
            student = msgspec.json.decode(student_json, type=Student)
            fact = next(iter(play_facts([line])))
            if isinstance(fact, ConnectFact):
                fact = ConnectFact(session_id="recording", first=first)
            nudge = coach.see(watch, student, fact, now)
            said.append(nudge.message if nudge is not None else None)
            if not isinstance(fact, MasteryFact) or nudge is not None:  # as the plugin saves it
                watch_json = msgspec.json.encode(watch)
            if student.changed:
                student_json = msgspec.json.encode(student)
            if isinstance(fact, EndFact):
                watch_json = None
        return said

    lines = read_recording(path)
    assert stored(lines) == [p.nudge.message if p.nudge is not None else None for p in play(Coach(RULES), lines)]


def play_facts(lines: list[Line]) -> list[BaseModel]:
    from bonsai_coaching import replay

    return [replay.fact_of(line) for line in lines]


# Random sessions

skills = st.sampled_from([*SKILLS[:3], "", "alchemy"])
questions = st.sampled_from([f"q{n}" for n in range(6)])
share = st.floats(0, 1)
facts: st.SearchStrategy[BaseModel] = st.one_of(
    st.builds(
        AnswerFact,
        question_id=questions,
        correct=st.booleans(),
        time_spent=st.sampled_from([0, 1, 5, 60, 200, 5000]),
        skill=skills,
        rapid=st.sampled_from([None, True, False]),
    ),
    st.builds(
        lambda skill, mastery, answered, fatigue: MasteryFact.model_validate(
            {
                "performance": {"bySkill": {skill: {"mastery": mastery, "answered": answered}}},
                "trend": {"fatigue": fatigue},
            }
        ),
        skills,
        share,
        st.integers(0, 40),
        share,
    ),
    st.builds(ShownFact, question_id=questions, skill=skills, band=st.floats(1, 7), seconds=st.floats(1, 300)),
    st.builds(
        lambda ids, mode: ListFact.model_validate({"questions": [{"id": id} for id in ids], "mode": mode}),
        st.lists(questions, max_size=4),
        st.sampled_from(["practice", "practice", "diagnose", "mock"]),
    ),
    st.builds(HintFact, question_id=questions, skill=skills),
    st.just(TickFact()),
    st.just(ConnectFact(session_id="s")),
    st.just(EndFact()),
)
steps = st.lists(st.tuples(st.sampled_from([0, 1, 30, 130, 700, 4000, 20_000, 700_000]), facts), max_size=60)


def eager(kind: str, limits: dict[str, Any]) -> Rule:
    """A rule that would always speak, were it not for its limits."""
    words = [f"{kind}, {n}." for n in range(3)] + [f"{kind}, of {{skill}}."]
    every = ["connect", "shown", "answer", "mastery", "tick", "end"]
    return make_rule({"kind": kind, "on": every, "type": "hint", "texts": words, "why": "Always.", **limits}, "test")


limits = st.fixed_dictionaries(
    {
        "cooldown_minutes": st.sampled_from([0, 1, 30]),
        "once": st.sampled_from([None, "session", "question", "skill"]),
        "rest_days": st.sampled_from([0, 0.5, 3]),
        "nudge": st.booleans(),
        "priority": st.sampled_from(["low", "medium", "high"]),
    }
)
eager_rules = st.lists(limits, min_size=1, max_size=4).map(
    lambda drawn: [eager(f"kind_{n}", each) for n, each in enumerate(drawn)]
)


@settings(max_examples=250, deadline=None)
@given(st.one_of(eager_rules, st.just(RULES)), steps, st.integers(1, 5))
def test_no_budget_is_ever_broken(rules: list[Rule], steps: list[tuple[int, BaseModel]], questions: int) -> None:
    coach, student = Coach(rules, Budget(questions)), Student()
    now, watch = NOW, None
    last: dict[str, int] = {}  # by kind, when it spoke, in this sitting
    rested: dict[tuple[str, str | None], int] = {}  # by kind and skill, over all
    nudged = -1000  # how many were answered then
    once: set[Any] = set()
    said: set[str] = set()
    mock_until = 0
    for wait, fact in steps:
        now += wait * 1000
        before = watch
        watch, first = sitting(watch, now)
        if watch is not before:
            nudged, last, once = -1000, {}, set()
            mock_until = 0
        if isinstance(fact, ConnectFact):
            fact = ConnectFact(session_id="s", first=first)
        if isinstance(fact, ListFact):
            mock_until = now + MOCK_MS if fact.mode == "mock" else 0
        nudge = coach.see(watch, student, fact, now)
        if nudge is not None:
            rule = rule_of(rules, nudge.kind, fact)
            assert now >= mock_until or isinstance(fact, EndFact), "it spoke in a timed module"
            if rule.nudge:
                assert watch.answered - nudged >= questions, "too many nudges"
                nudged = watch.answered
            if nudge.kind in last:
                assert now - last[nudge.kind] >= rule.cooldown_minutes * 60_000, "no cooldown"
            last[nudge.kind] = now
            if rule.once is not None:
                subject = {"session": None, "question": nudge.question_id or "", "skill": nudge.skill or ""}[rule.once]
                assert (nudge.kind, subject) not in once, f"twice for one {rule.once}"
                once.add((nudge.kind, subject))
            if rule.rest_days:
                key = (nudge.kind, nudge.skill if rule.once == "skill" else None)
                assert now - rested.get(key, 0) >= rule.rest_days * DAY_MS, "no rest"
                rested[key] = now
            assert nudge.message not in said, "said twice in a session"
            said.add(nudge.message)
        if isinstance(fact, EndFact):
            watch, nudged, last, once, said, mock_until = None, -1000, {}, set(), set(), 0
        due = coach.due(watch, now) if watch is not None else None
        assert due is None or due > now


def rule_of(rules: list[Rule], kind: str, fact: BaseModel) -> Rule:
    """The rule of a kind that can have fired on a fact."""
    names = {AnswerFact: "answer", MasteryFact: "mastery", TickFact: "tick", ConnectFact: "connect", EndFact: "end"}
    name = names.get(type(fact), "shown")
    (rule,) = [rule for rule in rules if rule.kind == kind and name in rule.on]
    return rule


# What a coach may not do


def run(coach: Coach, *facts: BaseModel, every: int = 60, watch: Watch | None = None) -> list[Nudge | None]:
    watch, student, now = watch or Watch(began=NOW, active=NOW), Student(), NOW
    said = []
    for fact in facts:
        now += every * 1000
        said.append(coach.see(watch, student, fact, now))
    return said


def wrong(skill: str = "Circles") -> AnswerFact:
    return AnswerFact(question_id="q", correct=False, time_spent=60, skill=skill)


def test_when_all_texts_of_a_kind_were_said_it_is_silent() -> None:
    rule = make_rule(
        {
            "kind": "again",
            "on": "answer",
            "type": "insight",
            "cooldown_minutes": 0,
            "nudge": False,
            "texts": ["One.", "Two.", "Of {skill}."],
            "why": "Each answer.",
        },
        "test",
    )
    said = run(Coach([rule]), *(wrong() for _ in range(5)), wrong("Boundaries"))
    assert [nudge and nudge.message for nudge in said] == [
        "One.",
        "Two.",
        "Of circles.",
        None,
        None,
        "Of sentence boundaries.",
    ]


def test_a_new_sitting_begins_after_hours_but_repeats_no_text() -> None:
    watch, _ = sitting(None, NOW)
    watch.ledger.said = [1, 2]
    watch.answered = 7
    same, first = sitting(watch, NOW + SITTING_MS - 1)
    assert (same is watch, first) == (True, False)
    fresh, first = sitting(watch, NOW + SITTING_MS)
    assert first
    assert fresh.answered == 0
    assert fresh.ledger.said == [1, 2]


def test_of_two_rules_the_higher_priority_speaks_then_the_first() -> None:
    def rule(kind: str, priority: str) -> dict[str, Any]:
        return {"kind": kind, "on": "answer", "type": "hint", "priority": priority, "texts": [kind], "why": "x"}

    rules = [make_rule(rule(*pair), "test") for pair in (("a", "low"), ("b", "high"), ("c", "high"), ("d", "medium"))]
    said = run(Coach(rules, Budget(1)), *(wrong() for _ in range(4)), every=1)
    assert [nudge and nudge.kind for nudge in said] == ["b", "c", "d", "a"]


# Rules of plugins


def late(**more: Any) -> dict[str, Any]:
    return {
        "kind": "late",
        "on": "answer",
        "when": {"answered": ">= 2"},
        "type": "insight",
        "texts": ["{answered} done, {word}."],
        "why": "It is {word}.",
        **more,
    }


def test_a_predicate_has_the_last_word_and_may_add_values() -> None:
    seen: list[Signals] = []

    def predicate(signals: Signals) -> Any:
        seen.append(signals)
        return {"word": "late"} if signals["skill"] == "Circles" else False

    said = run(Coach([make_rule(late(predicate=predicate), "test")]), wrong(), wrong("Inferences"), wrong())
    assert [nudge and (nudge.message, nudge.reason) for nudge in said] == [None, None, ("3 done, late.", "It is late.")]
    assert len(seen) == 2


@pytest.mark.parametrize("predicate", [lambda signals: 1 / 0, lambda signals: {}, lambda signals: True])
def test_a_predicate_or_text_that_fails_is_contained(predicate: Any) -> None:
    coach = Coach([make_rule(late(predicate=predicate), "test"), *RULES])
    said = run(coach, wrong(), wrong(), every=1)
    assert [nudge and nudge.kind for nudge in said] == [None, "two_wrong"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "Bad Name"}, "kind"),
        ({"on": "never"}, "on"),
        ({"when": {"answered": {"a": 1}}}, "when"),
        ({"type": "shout"}, "type"),
        ({"cooldown_minutes": -1}, "cooldown_minutes"),
        ({"colour": "red"}, "colour"),
        ({"why": ""}, "why"),
        ({"actions": ["dance"]}, "no action 'dance'"),
        ({"texts": []}, "no texts"),
    ],
)
def test_a_rule_that_is_not_valid_is_refused_by_name(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(RuleError, match=fault) as refused:
        check(make_rule(late(**change), "a trigger of acme"))
    assert "acme" in str(refused.value) or "late" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("[[rule]", "line 1"), ("[rules]\nx = 1", "only"), ('[[rule]]\nkind = "x"', r"rule 1 \(x\)")],
)
def test_a_file_of_rules_that_is_not_valid_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(RuleError, match=fault):
        read_rules(path)
    with pytest.raises(RuleError, match=r"absent\.toml"):
        read_rules(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        (">= 2", [2, 3.5], [1.9, None, "2"]),
        ("< 10, >= 2", [2, 9], [1, 10]),
        (True, [True], [False, None]),
        ("Circles", ["Circles"], ["circles", None]),
        ([5, 10], [5, 10], [6, None]),
    ],
)
def test_conditions(condition: Any, holds: list[Any], fails: list[Any]) -> None:
    rule = make_rule(late(when={"x": condition}), "test")
    assert all(rule.holds({"x": signal}) is not None for signal in holds)
    assert all(rule.holds({"x": signal}) is None for signal in [*fails])
    assert rule.holds({}) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"at": 0}', "event"),
        ('{"at": 0, "event": "dance"}', "no event 'dance'"),
        ('{"at": 5, "event": "tick"}\n{"at": 4, "event": "tick"}', "line 2: it is earlier"),
        ('{"at": 0, "event": "analytics:performance", "data": {}}', "questionId"),
        ("nonsense", "line 1"),
    ],
)
def test_a_recording_that_is_not_valid_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(text)
    with pytest.raises(RecordingError, match=fault):
        read_recording(path)
