"""The renderer of test screenshots: its truth is what the picture shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

RENDER = Path(__file__).parents[1] / "render"
UNSEEN = RENDER / "unseen.jsonl"
Shot = tuple[dict[str, Any], Path]
Shots = dict[str, Callable[[], list[Shot]]]
ROWS = {row["id"]: row for row in map(json.loads, UNSEEN.read_text().splitlines())}


ROW = next(row for row in ROWS.values() if row["skill"] == "Inferences")
WHOLE = ("--count", "2", "--seed", "11", "--cut", "no")
EDGES = ("top", "bottom")


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shots]:
    """What the script makes, run three times at once, for a browser takes long to start."""
    folder = tmp_path_factory.mktemp("shots")
    alone = folder / "alone.jsonl"
    alone.write_text(json.dumps(ROW))
    jobs: dict[str, tuple[Path, tuple[str, ...]]] = {"whole": (UNSEEN, WHOLE)}
    jobs |= {edge: (alone, ("--style", "chat", "--cut", edge, "--count", "1")) for edge in EDGES}
    env = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}  # it imports its siblings
    running = {}
    for name, (questions, options) in jobs.items():
        command = [sys.executable, str(RENDER / "make.py"), str(folder / name), "--questions", str(questions)]
        command += ["--questions-only", *options]
        running[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
    yield {name: partial(finished, process, folder / name) for name, process in running.items()}
    for process in running.values():
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str], out: Path) -> list[Shot]:
    """The truths and the pictures that the script has made."""
    _, complaints = process.communicate(timeout=55)
    assert process.returncode == 0, complaints
    truths = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    pictures = sorted(path for path in out.iterdir() if path.suffix != ".json")
    assert len(truths) == len(pictures)
    return list(zip(truths, pictures, strict=True))


def words(*texts: str | None) -> list[str]:
    """Words of texts, without the marks of tables and underlining."""
    return re.sub(r"</?u>|\|", " ", " ".join(text or "" for text in texts)).split()


def test_a_whole_question_is_told_word_for_word_and_where_it_stands(shots: Shots) -> None:
    for truth, path in shots["whole"]():
        row = ROWS[truth["id"]]
        assert truth["kind"] == "question"
        assert (truth["section"], truth["domain"], truth["skill"]) == (row["section"], row["domain"], row["skill"])
        assert words(truth["passage"]) == words(row.get("passage"))
        assert words(truth["stem"]) == words(row["stem"])
        assert truth["choices"] == [{"key": c["key"], "text": c["text"]} for c in row.get("choices", [])]
        assert truth["hidden"] == truth["partial"] == 0
        with Image.open(path) as picture:
            seen = np.asarray(picture.convert("L"), dtype=float)
            for box in truth["boxes"]:
                left, top, right, bottom = box["box"]
                assert 0 <= left < right <= picture.width
                assert 0 <= top < bottom <= picture.height
                assert seen[top:bottom, left:right].std() > 5, "there is no ink where the truth says that words are"


@pytest.mark.parametrize("edge", EDGES)
def test_what_is_cut_off_is_not_told(shots: Shots, edge: str) -> None:
    ((truth, path),) = shots[edge]()
    row = ROW
    everything = words(row.get("passage"), row["stem"], *(choice["text"] for choice in row["choices"]))
    told = words(truth["text"])
    assert truth["style"]["cut"] == edge
    assert 0 < len(told) < len(everything)
    assert truth["hidden"] == len(everything) - len(told)
    assert told == (everything[-len(told) :] if edge == "top" else everything[: len(told)])
    assert truth["stem"] == " ".join(words(row["stem"]))
    with Image.open(path) as picture:
        assert max(box["box"][3] for box in truth["boxes"]) <= picture.height
