"""Measures the analysis on screenshots whose truth is known: character errors, structure, labels, time.

The truth of `NNN.png` (or jpg, webp) is `NNN.json`, as `render/make.py` writes it: `kind` (`question` or `other`),
`section`, `domain`, `skill`, `passage`, `stem`, `choices`, `figure`, `style`, `source`, `boxes`; all but `kind` may
lack.

Character error rate: edits from the truth (Levenshtein: insertions, deletions, substitutions) over its characters, all
questions together. Compared are passage, stem and the choices' texts. Before that both sides get plain quotes and
dashes (a minus sign is one), single spaces, blanks of one length, and lose the bars between the cells of a table, for
a picture does not tell them apart.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bonsai_core import QuestionAnalysis
from bonsai_vision.pipeline import Stages, Work, finish, read_image

#: A choice counts as found if at most this share of its letters is wrong.
FOUND = 0.1
_PLAIN = str.maketrans(
    {**dict.fromkeys("“”„″", '"'), **dict.fromkeys("‘’′`", "'"), **dict.fromkeys("–—−‐‑", "-"), "ℓ": "l", "|": " "}
)
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def plain(text: str) -> str:
    """A text as it is compared."""
    return " ".join(re.sub(r"_{2,}", "___", text.translate(_PLAIN)).split())


def errors(truth: str, read: str) -> tuple[int, int]:
    """Character errors, and characters of the truth."""
    from rapidfuzz.distance import Levenshtein

    truth, read = plain(truth), plain(read)
    return Levenshtein.distance(truth, read), len(truth)


@dataclass(frozen=True)
class Case:
    """One screenshot and its truth."""

    picture: Path
    truth: Mapping[str, Any]

    @property
    def asks(self) -> bool:
        """Whether it shows a question of the test."""
        return bool(self.truth.get("kind", "question") == "question")

    @property
    def text(self) -> str:
        """What is to be read."""
        return whole(self.truth.get("passage"), self.truth.get("stem", ""), [c["text"] for c in self.choices])

    @property
    def choices(self) -> list[Mapping[str, str]]:
        """The choices of which at least a word is visible."""
        return [choice for choice in self.truth.get("choices") or () if choice["text"]]

    @property
    def style(self) -> str:
        """What the page looks like."""
        style = self.truth.get("style") or {}
        return str(style.get("style") or style.get("name") or "") if isinstance(style, Mapping) else str(style)


@dataclass
class Result:
    """What became of one screenshot.

    Attributes:
        wrong, length: character errors, and characters of the truth.
        choices: all choices were found, and no other.
        split: passage and stem were told apart.
        figure: whether there is a figure or table was told rightly.
        labels: section, domain and skill were right.
        milliseconds: for everything.
        baseline_ms, baseline_wrong: the same of plain rapidocr.
    """

    case: Case
    wrong: int
    length: int
    choices: bool
    split: bool
    figure: bool
    labels: dict[str, bool]
    milliseconds: float
    baseline_ms: float | None = None
    baseline_wrong: int | None = None


@dataclass
class Report:
    """All results."""

    results: list[Result] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The figures as plain data; rates are 0..1, times milliseconds."""
        asked = [result for result in self.results if result.case.asks]
        others = [result for result in self.results if not result.case.asks]
        sections: defaultdict[str, list[Result]] = defaultdict(list)
        styles: defaultdict[str, list[Result]] = defaultdict(list)
        sources: defaultdict[str, list[Result]] = defaultdict(list)
        for result in asked:
            sections[str(result.case.truth.get("section", "unknown"))].append(result)
            styles[result.case.style].append(result)
            sources[str(result.case.truth.get("source", ""))].append(result)
        return {
            "questions": len(asked),
            "others": len(others),
            "characterErrorRate": {name: _rate(group) for name, group in sorted(sections.items())},
            "choicesFound": _share([result.choices for result in asked]),
            "passageAndStem": _share([result.split for result in asked]),
            "figure": _share([result.figure for result in asked]),
            "labels": {
                source: {name: _share([r.labels[name] for r in group]) for name in ("section", "domain", "skill")}
                for source, group in sorted(sources.items())
            },
            "othersRefused": _share([result.labels["section"] for result in others]),
            "milliseconds": _times([result.milliseconds for result in self.results]),
            **self._baseline(asked),
            "styles": {
                name: {
                    "questions": len(group),
                    "characterErrorRate": _rate(group),
                    "choicesFound": _share([result.choices for result in group]),
                }
                for name, group in sorted(styles.items())
            },
        }

    def _baseline(self, asked: Sequence[Result]) -> dict[str, Any]:
        timed = [result for result in self.results if result.baseline_ms is not None]
        if not timed:
            return {}
        ratios = sorted(result.milliseconds / (result.baseline_ms or 1) for result in timed)
        sections: defaultdict[str, list[Result]] = defaultdict(list)
        for result in asked:
            if result.baseline_wrong is not None:
                sections[str(result.case.truth.get("section", "unknown"))].append(result)
        return {
            "rapidocr": {
                "milliseconds": _times([result.baseline_ms or 0 for result in timed]),
                "characterErrorRate": {
                    name: round(sum(r.baseline_wrong or 0 for r in group) / max(sum(r.length for r in group), 1), 5)
                    for name, group in sorted(sections.items())
                },
            },
            "timeRatio": {
                "total": round(sum(r.milliseconds for r in timed) / sum(r.baseline_ms or 0 for r in timed), 3),
                "median": round(ratios[len(ratios) // 2], 3),
                "worst": round(ratios[-1], 3),
            },
        }


def cases(folder: Path) -> list[Case]:
    """All screenshots of a folder that have a truth, by name."""
    found = []
    for truth in sorted(folder.glob("*.json")):
        pictures = [truth.with_suffix(suffix) for suffix in _SUFFIXES if truth.with_suffix(suffix).exists()]
        if pictures:
            found.append(Case(pictures[0], json.loads(truth.read_text(encoding="utf-8"))))
    return found


def run(every: Sequence[Case], *, compare: bool = False) -> Iterator[Result]:
    """Analyse screenshots, one after another.

    Args:
        compare: read each one with plain rapidocr too, in turn, so that both feel the same load of the machine.
    """
    stages = Stages()
    stages.warm_up()
    baseline = Baseline() if compare else None
    for case in every:
        data = case.picture.read_bytes()
        begun = time.perf_counter()
        work = Work()
        analysis = finish(work, read_image(work, data, None, stages), None, stages)
        result = judge(case, analysis, (time.perf_counter() - begun) * 1000)
        if baseline is not None:
            result.baseline_ms, read = baseline.read(case)
            if case.asks:
                result.baseline_wrong = errors(case.text, read)[0]
        yield result


def judge(case: Case, analysis: QuestionAnalysis, milliseconds: float) -> Result:
    """Compare an analysis with the truth."""
    read = whole(analysis.passage, analysis.stem, [choice.text for choice in analysis.choices])
    wrong, length = errors(case.text, read) if case.asks else (0, 0)
    truth = case.truth
    found = {choice.key: choice.text for choice in analysis.choices}
    expected = {choice["key"]: choice["text"] for choice in case.choices}
    labels = {name: getattr(analysis, name) == truth.get(name, "unknown") for name in ("section", "domain", "skill")}
    table = " | " in whole(analysis.passage, analysis.stem, [])  # the truth does not say whether there is a table
    return Result(
        case,
        wrong,
        length,
        found.keys() == expected.keys() and all(_alike(expected[key], found[key]) for key in expected),
        _alike(truth.get("passage") or "", analysis.passage or "") and _alike(truth.get("stem", ""), analysis.stem),
        analysis.has_figure == (bool(truth.get("figure")) or table),
        labels,
        milliseconds,
    )


def whole(passage: str | None, stem: str, choices: Sequence[str]) -> str:
    """A question's text, without the letters of its choices."""
    return "\n".join(part for part in (passage or "", stem, *choices) if part)


class Baseline:
    """Plain rapidocr with its defaults.

    It does not look for the question. So that only its reading is judged, it is told from the truth where the
    question's parts stand, and letters of choices are taken off.
    """

    def __init__(self) -> None:
        from rapidocr import RapidOCR

        self._engine = RapidOCR(params={"Global.log_level": "error"})

    def read(self, case: Case) -> tuple[float, str]:
        """Milliseconds that it takes, and what it reads where the question is."""
        data = case.picture.read_bytes()
        begun = time.perf_counter()
        result = self._engine(data)
        milliseconds = (time.perf_counter() - begun) * 1000
        return milliseconds, self._question(case, result)

    @staticmethod
    def _question(case: Case, result: Any) -> str:
        from bonsai_vision.boxes import Box
        from bonsai_vision.layout import rows

        if result.boxes is None:
            return ""
        places = [Box(*map(round, (*box.min(axis=0), *box.max(axis=0)))) for box in result.boxes]
        parts = []
        for part in case.truth.get("boxes", ()):
            if part["role"] == "figure":
                continue
            area = Box(*part["box"]).grown(6)
            inside = [at for at, place in enumerate(places) if area.holds(place)]
            order = [inside[at] for row in rows([places[at] for at in inside]) for at in row]
            text = " ".join(result.txts[at] for at in order)
            if part["role"] == "choice":
                text = re.sub(rf"^[O○]?\s*[(]?{part['key']}[).]*\s*(?=\S)", "", text)
            parts.append(text)
        return "\n".join(parts)


def _alike(truth: str, read: str) -> bool:
    wrong, length = errors(truth, read)
    return wrong <= FOUND * length or (length < 10 and wrong <= 1 and length > 3)


def _rate(group: Sequence[Result]) -> float:
    return round(sum(result.wrong for result in group) / max(sum(result.length for result in group), 1), 5)


def _share(right: Sequence[bool]) -> float | None:
    return round(sum(right) / len(right), 4) if right else None


def _times(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        "mean": round(sum(ordered) / len(ordered), 1),
        "median": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
    }
