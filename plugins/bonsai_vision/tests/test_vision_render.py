"""The renderer of test screenshots: its truth is what the picture shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

RENDER = Path(__file__).parents[1] / "render"
UNSEEN = RENDER / "unseen.jsonl"
ROWS = {row["id"]: row for row in map(json.loads, UNSEEN.read_text().splitlines())}


def shoot(out: Path, *options: str, questions: Path = UNSEEN) -> list[tuple[dict[str, Any], Path]]:
    """The truths and the pictures that the script makes."""
    command = [sys.executable, str(RENDER / "make.py"), str(out), "--questions", str(questions), *options]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}  # it imports its siblings
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=55, env=env)
    assert done.returncode == 0, done.stderr
    truths = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    pictures = sorted(path for path in out.iterdir() if path.suffix != ".json")
    assert len(truths) == len(pictures)
    return list(zip(truths, pictures, strict=True))


def words(*texts: str | None) -> list[str]:
    """Words of texts, without the marks of tables and underlining."""
    return re.sub(r"</?u>|\|", " ", " ".join(text or "" for text in texts)).split()


def test_a_whole_question_is_told_word_for_word_and_where_it_stands(tmp_path: Path) -> None:
    for truth, path in shoot(tmp_path, "--count", "2", "--seed", "11", "--questions-only", "--cut", "no"):
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


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_what_is_cut_off_is_not_told(tmp_path: Path, edge: str) -> None:
    row = next(row for row in ROWS.values() if row["skill"] == "Inferences")
    alone = tmp_path / "alone.jsonl"
    alone.write_text(json.dumps(row))
    options = ["--style", "chat", "--cut", edge, "--count", "1", "--questions-only"]
    ((truth, path),) = shoot(tmp_path / "out", *options, questions=alone)
    everything = words(row.get("passage"), row["stem"], *(choice["text"] for choice in row["choices"]))
    told = words(truth["text"])
    assert truth["style"]["cut"] == edge
    assert 0 < len(told) < len(everything)
    assert truth["hidden"] == len(everything) - len(told)
    assert told == (everything[-len(told) :] if edge == "top" else everything[: len(told)])
    assert truth["stem"] == " ".join(words(row["stem"]))
    with Image.open(path) as picture:
        assert max(box["box"][3] for box in truth["boxes"]) <= picture.height
