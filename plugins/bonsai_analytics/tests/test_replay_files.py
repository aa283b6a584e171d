"""Files of recorded answers, and what is told of a replay: no server here."""

import gzip
from pathlib import Path

import pytest
from bonsai_analytics import recorded, sample
from bonsai_analytics.commands import SAMPLE
from bonsai_analytics.recorded import BadFile, Row, Tally
from bonsai_analytics.replay import Outcome, Plan
from bonsai_analytics.report import figures, percentile

ROWS = [
    Row("u1", "q1", "Lines", True),
    Row("u2", "q1", "Lines", False),
    Row("u1", "q2", "Ratios", True),
    Row("u3", "q1", "Lines", True),
    Row("u2", "q2", "Ratios", False),
]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "user,question,skill,correct\n7,q1,Lines,1\n8,q2,,0\n",
        "7,q1,Lines,1\n\n8,q2,,0\n",
        "\ufeffCorrect,extra,Skill,user,question\r\n1,x,Lines,7,q1\r\nfalse,x,,8,q2\r\n",
    ],
    ids=["header", "no header", "header in another order"],
)
def test_columns_are_found_by_header_or_by_order(tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.csv"
    file.write_bytes(text.encode())
    assert recorded.read(file) == [Row("7", "q1", "Lines", True), Row("8", "q2", "unknown", False)]


def test_question_or_skill_may_be_missing(tmp_path: Path) -> None:
    file = written(tmp_path / "skills.csv", "skill,correct,user\nLines,1,7\n")
    assert recorded.read(file) == [Row("7", "", "Lines", True)]
    file = written(tmp_path / "questions.csv", "user,question,correct\n7,q1,0\n")
    assert recorded.read(file) == [Row("7", "q1", "unknown", False)]


@pytest.mark.parametrize("seconds", ["", "nan", "-3", "90000", "inf"])
def test_a_time_that_nobody_can_have_taken_is_not_known(tmp_path: Path, seconds: str) -> None:
    file = written(tmp_path / "answers.csv", f"user,question,skill,correct,seconds\n7,q1,Lines,1,{seconds}\n")
    assert recorded.read(file) == [Row("7", "q1", "Lines", True, 0.0)]


def test_a_compressed_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv.gz"
    with gzip.open(file, "wt") as text:
        text.write("user,question,skill,correct,seconds\n" + "1,q,Lines,1,12.5\n" * 10)
    assert recorded.read(file, 3) == [Row("1", "q", "Lines", True, 12.5)] * 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("user,correct\n1,1\n", "no column question or skill; it has user, correct"),
        ("user,question,skill\n1,2,3\n", "no column correct"),
        ("user,skill,correct\n1,2\n", "line 2: needs 3 cells"),
        ("1,q,Lines,1\n1,q,Lines,maybe\n", "line 2: `correct` must be 0 or 1"),
        ("1,q,Lines\n", "line 1: needs the columns"),
        ("1,q,Lines,1,long\n", "line 1: `seconds` must be a number"),
        (f"1,{'q' * 257},Lines,1\n", "line 1: a question"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadFile, match=why):
        recorded.read(written(tmp_path / "answers.csv", text))


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "a.gz").write_bytes(b"no gzip")
    for name in ("a.csv", "a.gz"):
        with pytest.raises(BadFile, match="cannot be read"):
            recorded.read(tmp_path / name)


def test_a_users_answers_stay_in_order_and_with_one_student() -> None:
    assert recorded.deal(ROWS, 2) == [[ROWS[0], ROWS[2], ROWS[3]], [ROWS[1], ROWS[4]]]
    assert recorded.deal(ROWS, 10) == [[ROWS[0], ROWS[2]], [ROWS[1], ROWS[4]], [ROWS[3]]]


def test_a_lost_or_doubled_answer_is_a_difference() -> None:
    tally = Tally.of(ROWS)
    assert tally.differences(Tally.of(ROWS)) == []
    assert len(tally.differences(Tally.of(ROWS[:-1]))) == 2
    assert len(tally.differences(Tally.of([*ROWS, ROWS[0]]))) == 2
    swapped = Tally.of([Row("u1", "q1", "Ratios", True), *ROWS[1:]])
    assert tally.differences(swapped) == [
        "skill 'Lines': 1 right of 2 instead of 2 of 3",
        "skill 'Ratios': 2 right of 3 instead of 1 of 2",
    ]


def test_figures_name_the_student_whose_counts_are_wrong() -> None:
    students = recorded.deal(ROWS, 2)
    plan = Plan("ws://127.0.0.1:1", "run", students)
    outcome = Outcome(acked=5, latencies=[0.001 * n for n in range(1, 101)], seconds=2.0)
    outcome.counted = [Tally.of(students[0]), Tally.of(students[1][:1])]
    shown = figures(plan, outcome, check=True)
    assert all(text.startswith("run-1: ") for text in shown["mismatches"])
    assert shown["mismatches"]
    assert shown["answersPerSecond"] == 2.5
    assert shown["ackMs"] == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert "mismatches" not in figures(plan, outcome, check=False)


def test_percentiles_are_nearest_ranks() -> None:
    assert [percentile([1, 2, 3, 4], p) for p in (0, 25, 50, 51, 100)] == [1, 1, 2, 3, 4]
    assert percentile([], 50) == 0


def test_the_sample_is_the_one_that_the_script_makes() -> None:
    assert SAMPLE.read_text() == "".join(sample.lines())
    rows = recorded.read(SAMPLE)
    assert len(rows) == 300
    assert all(row.seconds > 0 for row in rows)
