"""The classifier, on questions and pages that it never saw in training."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from bonsai_vision.classify import CLASSES, DIFFICULTIES, UNKNOWN, Labels, classify

from bonsai_core.domain import DOMAIN_OF_SKILL

RENDER = Path(__file__).parents[1] / "render"


def read(name: str) -> list[dict[str, Any]]:
    """The rows of a held-out file."""
    return [json.loads(line) for line in (RENDER / name).read_text().splitlines()]


QUESTIONS = read("unseen.jsonl")
PAGES = read("others.jsonl")


def text_of(row: dict[str, Any], *, letters: bool = True) -> str:
    """A question as one text."""
    rows = [f"{c['key']}) {c['text']}" if letters else c["text"] for c in row.get("choices", [])]
    return re.sub("</?u>", "", "\n".join([row.get("passage") or "", row["stem"], *rows])).strip()


def misread(text: str, rng: random.Random) -> str:
    """A text as OCR may hand it over: flat powers, plain signs, broken lines, a lost space or letter here and there."""
    text = text.translate(str.maketrans("²³⁴−’“”√•", '234-\'""V·'))
    text = "".join(c for c in text if rng.random() > 0.008)
    return re.sub(r"(.{50,70}) ", r"\1\n", text)


def accuracy(labels: list[Labels], level: str) -> float:
    """The share of right labels."""
    right: list[bool] = [getattr(label, level) == row[level] for label, row in zip(labels, QUESTIONS, strict=True)]
    return sum(right) / len(right)


def assert_floors(labels: list[Labels], *floors: float) -> None:
    """That section, domain and skill are right often enough."""
    for level, floor in zip(("section", "domain", "skill"), floors, strict=True):
        assert accuracy(labels, level) >= floor, level


def test_questions_of_unseen_wordings_get_the_right_labels() -> None:
    labels = [classify(text_of(row), choices=[c["text"] for c in row.get("choices", [])] or 0) for row in QUESTIONS]
    assert_floors(labels, 0.99, 0.90, 0.80)
    sure = [label.confidence["skill"] for label in labels]
    assert abs(sum(sure) / len(sure) - accuracy(labels, "skill")) < 0.08, "confidence is not what it says"


def test_the_text_alone_is_enough() -> None:
    assert_floors([classify(text_of(row)) for row in QUESTIONS], 0.99, 0.90, 0.80)
    assert_floors([classify(text_of(row, letters=False)) for row in QUESTIONS], 0.99, 0.90, 0.80)


def test_misread_characters_do_little_harm() -> None:
    rng = random.Random(5)
    assert_floors([classify(misread(text_of(row), rng)) for row in QUESTIONS], 0.98, 0.90, 0.80)


def test_a_passage_cut_in_half_and_missing_choices_do_little_harm() -> None:
    cut = []
    for row in QUESTIONS:
        passage = row.get("passage") or ""
        row = {**row, "choices": row.get("choices", [])[:2]}
        if not passage.startswith("Text 1"):
            row["passage"] = passage[len(passage) // 2 :]
        cut.append(classify(text_of(row)))
    assert_floors(cut, 0.97, 0.88, 0.78)


def test_pages_without_a_question_are_refused() -> None:
    labels = [classify("\n".join([page["title"], page.get("by", ""), *page["lines"]])) for page in PAGES]
    assert sum(label.section == UNKNOWN for label in labels) / len(labels) >= 0.95
    for label in labels:
        if label.section == UNKNOWN:
            assert (label.domain, label.skill, label.difficulty) == (UNKNOWN, UNKNOWN, {})


@pytest.mark.parametrize("text", ["", "   \n ", "A", "?????", "\x00\ufffd", "ABC 12:30"])
def test_nothing_to_read_is_no_question(text: str) -> None:
    assert classify(text).section == UNKNOWN


def test_probabilities_add_up_and_labels_belong_together() -> None:
    for row in QUESTIONS:
        label = classify(text_of(row))
        assert sum(label.skills.values()) == pytest.approx(1, abs=1e-4)
        assert list(label.skills) == list(CLASSES)
        assert list(label.difficulty) == list(DIFFICULTIES)
        assert sum(label.difficulty.values()) == pytest.approx(1, abs=1e-4)
        domain = DOMAIN_OF_SKILL[label.skill]
        assert (label.domain, label.section) == (domain.name, domain.section)
        assert 1.0001 >= label.confidence["section"] >= label.confidence["domain"] >= label.confidence["skill"] > 0


def test_the_choices_tell_punctuation_from_forms_of_words() -> None:
    text = (
        "The bridge was closed in 1911 ______ by then, most travelers had begun to take the train.\n"
        "Which choice completes the text so that it conforms to the conventions of Standard English?"
    )
    assert classify(text, choices=["because,", "because;", "because", "because:"]).skill == "Boundaries"
    assert classify(text, choices=["is", "was", "has been", "being"]).skill == "Form, Structure, and Sense"


def test_a_long_text_costs_no_more_than_its_first_part() -> None:
    page = "The council met on Tuesday and spoke about the trams. " * 200
    assert classify(page * 200) == classify(page)


def test_the_weights_are_small_and_come_with_the_package() -> None:
    assert 0 < len((files("bonsai_vision") / "data" / "classifier.npz").read_bytes()) <= 1_500_000


def test_importing_the_classifier_loads_nothing_heavy() -> None:
    script = (
        "import sys, bonsai_vision.classify; print([m for m in ('numpy', 'cv2', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
