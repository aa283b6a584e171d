"""Which answers are right."""

import time

import pytest
from bonsai_analytics.grading import is_right

from bonsai_core import Question


def question(answer: str, choices: dict[str, str] | None = None) -> Question:
    return Question(
        id="q", section="Math", domain="Algebra", skill="Lines", stem="?", answer=answer, choices=choices or {}
    )


@pytest.mark.parametrize("given", ["B", "b", " b ", "(B)", "b."])
def test_a_choice_is_known_by_its_letter(given: str) -> None:
    assert is_right(question("B", {"A": "1", "B": "2"}), given)


@pytest.mark.parametrize("given", ["A", "", "2", "AB"])
def test_another_choice_is_wrong(given: str) -> None:
    assert not is_right(question("B", {"A": "1", "B": "2"}), given)


@pytest.mark.parametrize(
    ("accepted", "given"),
    [
        ("1/2", ".5"),
        ("0.5", "0.50"),
        (".5", "2/4"),
        ("-3", "−3"),
        ("1200", "1,200"),
        ("6 or 7", "7.0"),
        ("x = 2", "X = 2"),
    ],
)
def test_a_number_is_known_by_its_value(accepted: str, given: str) -> None:
    assert is_right(question(accepted), given)


@pytest.mark.parametrize(
    ("accepted", "given"), [("1/2", "1/3"), ("3", "-3"), ("5", ""), ("5", "."), ("0", "1/0"), ("1/2", "1 / 2 / 1")]
)
def test_another_number_is_wrong(accepted: str, given: str) -> None:
    assert not is_right(question(accepted), given)


@pytest.mark.parametrize("given", ["1e999999999", "9" * 1000, "1/" + "0" * 900, "-" * 1000])
def test_a_hostile_number_takes_no_time(given: str) -> None:
    start = time.perf_counter()
    assert not is_right(question("5"), given)
    assert time.perf_counter() - start < 0.1
