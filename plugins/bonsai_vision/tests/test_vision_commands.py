"""`bonsai vision`: what a person at a terminal gets, on screenshots that `render/make.py` has made (seed 1)."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from bonsai_vision.pipeline import Stages
from bonsai_vision.plugin import Vision
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw

SHOTS = Path(__file__).with_name("shots")
#: A page that ends within its third choice.
CUT = SHOTS / "000.webp"
#: A chart above the question, in dark mode.
DARK = SHOTS / "033.webp"
#: A page without a question.
OTHER = SHOTS / "254.jpg"
PASTED = "If 3x + 7 = 22, what is the value of x?\nA) 3\nB) 5\nC) 7\nD) 15"


def bonsai(*arguments: str | Path, input: str | None = None) -> Result:
    """Run the command as the plugin adds it to `bonsai`."""
    cli = click.Group("bonsai")
    Vision().add_commands(cli)
    return CliRunner(env={"COLUMNS": "110"}).invoke(cli, ["vision", *map(str, arguments)], input=input)


@pytest.fixture(scope="module")
def stages() -> Stages:
    return Stages()


@pytest.fixture(autouse=True)
def loaded_once(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the models takes longer than reading a page."""
    for module in ("pipeline", "evaluate"):
        monkeypatch.setattr(f"bonsai_vision.{module}.Stages", lambda: stages)


def documents(done: Result) -> list[dict[str, Any]]:
    """The lines of JSON on stdout."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_screenshot_is_shown_as_text() -> None:
    done = bonsai("analyze", DARK)
    assert done.exit_code == 0, done.output
    assert "In the right triangle shown, AB = 4, BC = 3, and AC = 5. What is the value of cos C?" in done.stdout
    assert "Right triangles and trigonometry" in done.stdout
    assert [line.split() for line in done.stdout.splitlines() if line.startswith(" ")][:4] == [
        ["A", "3/5"],
        ["B", "4/5"],
        ["C", "4/3"],
        ["D", "5/3"],
    ]
    assert "first step" in done.stdout


def test_several_files_are_a_line_of_json_each_and_a_bad_one_costs_only_itself(tmp_path: Path) -> None:
    broken, text = tmp_path / "broken.png", tmp_path / "pasted.txt"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    text.write_text(PASTED)
    done = bonsai("analyze", OTHER, broken, tmp_path / "none.png", text, "--json")
    assert done.exit_code == 1
    other, pasted = documents(done)
    assert (other["file"], other["analysis"]["section"]) == (str(OTHER), "unknown")
    assert (pasted["analysis"]["section"], pasted["analysis"]["skill"]) == ("Math", "Linear equations in one variable")
    assert [choice["text"] for choice in pasted["analysis"]["choices"]] == ["3", "5", "7", "15"]
    assert pasted["timings"]["total"] > 0
    complaints = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in complaints] == [str(broken), str(tmp_path / "none.png")]
    assert complaints[1].endswith("No such file or directory")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"%PDF-1.7", "is no PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\n", "damaged or cut short"),
        (b"", "is no PNG, JPEG or WebP"),
    ],
)
def test_what_is_no_picture_is_named_and_why(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "page.png"
    file.write_bytes(content)
    done = bonsai("analyze", file)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert str(file) in done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.output


def test_a_text_may_come_from_stdin_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    (document,) = documents(bonsai("analyze", "-", "--json", input=PASTED))
    assert document["analysis"]["stem"] == "If 3x + 7 = 22, what is the value of x?"
    file = tmp_path / "page.txt"
    file.write_bytes(b"\xff\xfe\x00")
    done = bonsai("analyze", file)
    assert (done.exit_code, done.stderr) == (1, f"{file}: is no text in UTF-8\n")


def test_the_picture_is_annotated_with_parts_order_and_labels(tmp_path: Path) -> None:
    out = tmp_path / "found.png"
    done = bonsai("analyze", DARK, CUT, "--annotate", out, "--json")
    assert done.exit_code == 0, done.output
    assert not out.exists()
    with Image.open(DARK) as page, Image.open(tmp_path / "found-1.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.width == page.width
        assert drawn.height > page.height, "there is a bar with the labels below it"
        before, after = page.convert("RGB"), drawn.crop((0, 0, page.width, page.height))
        truth = json.loads(DARK.with_suffix(".json").read_text())
        for part in truth["boxes"]:
            left, top, right, bottom = part["box"]
            around = (left - 12, top - 12, right + 12, bottom + 12)
            assert before.crop(around).tobytes() != after.crop(around).tobytes(), f"{part['role']} is not marked"
        quiet = (page.width - 200, page.height - 200, page.width, page.height)
        assert before.crop(quiet).tobytes() == after.crop(quiet).tobytes(), "nothing is drawn where nothing is"
    assert (tmp_path / "found-2.png").exists()


def test_where_the_annotated_picture_cannot_be_written_that_is_said(tmp_path: Path) -> None:
    done = bonsai("analyze", CUT, "--annotate", tmp_path / "none" / "found.png")
    assert done.exit_code == 1
    assert str(tmp_path / "none" / "found.png") in done.stderr


def test_a_question_of_a_bank_is_recognised(tmp_path: Path) -> None:
    bank, other = tmp_path / "bank.jsonl", tmp_path / "page.txt"
    stem, *lines = PASTED.splitlines()
    question = {
        "id": "acme-7",
        "section": "Math",
        "domain": "Algebra",
        "skill": "Linear equations in one variable",
        "stem": stem,
        "choices": [{"key": line[0], "text": line[3:]} for line in lines],
    }
    bank.write_text("\n".join(json.dumps(row) for row in ({"format": "bonsai-bank"}, question)))
    (document,) = documents(bonsai("analyze", "-", "--bank", bank, "--json", input=PASTED))
    assert document["analysis"]["matchedQuestionId"] == "acme-7"
    (document,) = documents(bonsai("analyze", "-", "--bank", bank, "--json", input=PASTED.replace("7", "8")))
    assert "matchedQuestionId" not in document["analysis"], "numbers must be equal"
    other.write_text("no JSON")
    done = bonsai("analyze", "-", "--bank", other, input=PASTED)
    assert done.exit_code == 2
    assert "holds no questions" in done.stderr


def test_screenshots_of_every_style_are_read_rightly() -> None:
    done = bonsai("evaluate", SHOTS, "--json")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert (figures["questions"], figures["others"], len(figures["styles"])) == (9, 1, 9)
    assert figures["characterErrorRate"]["Reading and Writing"] <= 0.01
    assert figures["characterErrorRate"]["Math"] <= 0.03
    assert figures["choicesFound"] == 1
    assert figures["figure"] == 1
    assert all(labels["section"] == labels["domain"] == 1 for labels in figures["labels"].values())
    assert figures["othersRefused"] == 1
    assert figures["milliseconds"]["mean"] > 0
    assert "rapidocr" not in figures


def test_errors_are_counted_and_shown(tmp_path: Path) -> None:
    truth = json.loads(CUT.with_suffix(".json").read_text())
    (tmp_path / CUT.name).write_bytes(CUT.read_bytes())
    wrong = truth | {"skill": "Circles", "choices": [{"key": "A", "text": "something else"}]}
    (tmp_path / "000.json").write_text(json.dumps(wrong))
    done = bonsai("evaluate", tmp_path, "--worst", "1")
    assert done.exit_code == 0, done.output
    lines = {line.rsplit(maxsplit=1)[0].strip(): line.split()[-1] for line in done.stdout.splitlines() if line.strip()}
    assert lines["choices found"] == "0.0%"
    assert lines[f"section ({truth['source']})"] == "100.0%"
    assert lines[f"skill ({truth['source']})"] == "0.0%"
    assert lines["no questions refused"] == "-"
    assert f"{CUT.name}: " in done.stdout
    assert "choices not found" in done.stdout


def test_a_folder_without_truth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.webp").write_bytes(CUT.read_bytes())
    done = bonsai("evaluate", tmp_path)
    assert done.exit_code == 2
    assert "holds no screenshots with their truth" in done.stderr


@pytest.fixture
def cores() -> Iterator[set[int]]:
    """Of this process, which has them again after the test."""
    cores = os.sched_getaffinity(0)
    yield cores
    os.sched_setaffinity(0, cores)


def test_plain_rapidocr_is_timed_and_judged_beside_ours_on_one_core(tmp_path: Path, cores: set[int]) -> None:
    page = Image.new("L", (420, 300), "white")
    ImageDraw.Draw(page).text((30, 100), "What is the value of x?", fill="black", font_size=30)
    page.save(tmp_path / "page.png")
    truth = {
        "section": "Math",
        "stem": "What is the value of x?",
        "boxes": [{"role": "stem", "box": [0, 80, 420, 160]}],
    }
    (tmp_path / "page.json").write_text(json.dumps(truth))
    done = bonsai("evaluate", tmp_path, "--compare", "--one-core", "--json")
    assert done.exit_code == 0, done.output
    assert os.sched_getaffinity(0) == {max(cores)}
    figures = json.loads(done.stdout)
    assert figures["rapidocr"]["milliseconds"]["mean"] > 0
    assert figures["rapidocr"]["characterErrorRate"]["Math"] < 0.2
    assert figures["timeRatio"]["total"] > 0


def test_the_annotated_picture_of_a_turned_photo_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    with Image.open(CUT) as page:
        size = page.size
        page.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif, quality=95)
    photo, out = tmp_path / "photo.jpg", tmp_path / "found.png"
    photo.write_bytes(file.getvalue())
    done = bonsai("analyze", photo, "--annotate", out, "--json")
    assert done.exit_code == 0, done.output
    assert documents(done)[0]["analysis"]["stem"]
    with Image.open(out) as drawn:
        assert drawn.width == size[0]
