"""Pages to look questions and figures over, and the commands that write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bonsai_recs.bank import read_bank, write_bank
from bonsai_recs.bank.bank import SHIPPED
from bonsai_recs.bank.commands import bank
from bonsai_recs.bank.pages import figures_page, questions_page
from click.testing import CliRunner, Result

DRAWN = next(item for item in read_bank(SHIPPED) if item.figure)
TABLE = next(item for item in read_bank(SHIPPED) if " | " in (item.passage or ""))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(bank, [str(argument) for argument in arguments])


def test_a_page_shows_the_question_its_figure_and_its_choices() -> None:
    page = questions_page([DRAWN])
    assert DRAWN.figure is not None and DRAWN.figure in page
    assert all(part in page for part in (DRAWN.id, DRAWN.skill, DRAWN.rationale.partition("<")[0][:40]))
    assert page.index("<summary>Answer") < page.index("Hint 1.")


def test_a_table_of_the_text_becomes_a_table() -> None:
    page = questions_page([TABLE])
    assert TABLE.passage is not None
    first = next(line for line in TABLE.passage.splitlines() if " | " in line).strip("| ")
    cells = "".join(f"<td>{cell.strip()}</td>" for cell in first.split("|"))
    assert f"<tr>{cells}</tr>" in page


def test_what_a_bank_says_is_escaped_and_a_dangerous_figure_is_left_out() -> None:
    evil = DRAWN.model_copy(
        update={"stem": "<script>alert(1)</script>", "figure": '<svg viewBox="0 0 1 1" onload="alert(1)"/>'}
    )
    for page in (questions_page([evil]), figures_page([evil])):
        assert "<script>alert" not in page
        assert "onload" not in page
        assert "event handlers are not allowed" in page


def test_the_sheet_has_every_figure_on_a_light_and_a_dark_ground() -> None:
    page = figures_page([DRAWN, TABLE])
    assert DRAWN.figure is not None and page.count(DRAWN.figure) == 2
    assert '<section class="light">' in page and '<section class="dark">' in page


def test_the_commands_write_both_pages(tmp_path: Path) -> None:
    done = run("sheet", tmp_path / "sheet.html")
    assert done.exit_code == 0
    assert f"{done.output.split()[0]} figures" in (tmp_path / "sheet.html").read_text(encoding="utf-8")
    shown = run("show", "--skill", "Circles", "--count", 2, "--html", tmp_path / "page.html")
    assert shown.output.startswith("2 questions in")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("<article>") == 2
    assert "needs ids or --skill" in run("show", "--html", tmp_path / "none.html").output


def test_show_prints_the_bank_a_question_and_json() -> None:
    assert "Circles" in run("show").output
    assert DRAWN.id in run("show", DRAWN.id).output
    assert json.loads(run("show", DRAWN.id, "--json").output)["id"] == DRAWN.id
    assert json.loads(run("show", "--json").output)["questions"] == len(read_bank(SHIPPED))
    assert "no such question" in run("show", "nobody").output


def test_check_names_each_finding_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "bank.jsonl"
    write_bank(file, [DRAWN.model_copy(update={"rationale": "", "template": "", "proof": DRAWN.proof})])
    done = run("check", file)
    assert done.exit_code == 1
    assert f"{DRAWN.id}: rationale or strategy is missing" in done.output
    found = json.loads(run("check", file, "--json").output)
    assert {"question": DRAWN.id, "problem": "rationale or strategy is missing"} in found["findings"]


@pytest.mark.parametrize("form", ["csv", "qti3.0"])
def test_what_export_writes_import_reads(tmp_path: Path, form: str) -> None:
    file, out, back = (
        tmp_path / "bank.jsonl",
        tmp_path / ("out.csv" if form == "csv" else "out"),
        tmp_path / "back.jsonl",
    )
    write_bank(file, [TABLE])
    assert run("export", out, "--file", file, "--format", form).exit_code == 0
    assert run("import", out, "--out", back).output.startswith("1 questions")
    (read,) = read_bank(back)
    assert (read.id, read.stem, read.answers) == (TABLE.id, TABLE.stem, TABLE.answers)
