"""`bonsai coach`."""

import json
from pathlib import Path

import pytest
from bonsai_coaching.commands import coach
from click.testing import CliRunner

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))


def test_the_rules_are_listed() -> None:
    result = CliRunner().invoke(coach, ["rules"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "wrong_in_a_row >= 2" in result.output
    rules = json.loads(CliRunner().invoke(coach, ["rules", "--json"]).stdout)
    assert {"idle_ratio": ">= 2, < 10"} in [rule["when"] for rule in rules]


def test_recordings_are_played_and_say_why_the_coach_spoke() -> None:
    result = CliRunner().invoke(coach, ["replay", *map(str, RECORDED)])
    assert result.exit_code == 0, result.output
    assert "why: 2 wrong answers in a row on area and volume." in result.output
    assert "expected" not in result.output


def test_what_is_not_as_expected_is_told_by_line_and_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"at": 0, "event": "connect"}\n{"at": 9, "event": "tick", "expect": "idle"}\n')
    result = CliRunner().invoke(coach, ["replay", str(path), "--json"])
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["line"], first["said"]["kind"], first["expected"]) == (1, "session_start", None)
    assert (second["line"], second["said"], second["expected"]) == (2, None, "idle")


@pytest.mark.parametrize("command", ["rules", "replay"])
def test_a_file_that_is_not_valid_is_refused(tmp_path: Path, command: str) -> None:
    path = tmp_path / "bad"
    path.write_text("[[rule]]\nkind = 1\n")
    arguments = [command, "--rules", str(path)] if command == "rules" else [command, str(path)]
    result = CliRunner().invoke(coach, arguments)
    assert result.exit_code == 1
    assert str(path) in result.output
