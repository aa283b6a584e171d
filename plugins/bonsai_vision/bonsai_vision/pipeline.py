"""The way from a picture or a text to an analysis: eight stages, each of which can be watched, timed, and ended.

decode, locate, ocr, layout, structure, match, classify, insights. A text begins at structure. All of it blocks and
belongs into a worker process; `Stages` is made once there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bonsai_core.domain import Choice, Difficulty, Insight, QuestionAnalysis, difficulty_of_band
from bonsai_vision.picture import Limits, PictureError, open_picture

if TYPE_CHECKING:
    from bonsai_vision.layout import Column, Line
    from bonsai_vision.locate import Place
    from bonsai_vision.match import Match, Matcher
    from bonsai_vision.ocr import Text
    from bonsai_vision.segments import Scan, Segment
    from bonsai_vision.structure import Structure

UNKNOWN = "unknown"


class Stage(StrEnum):
    """The stages, in their order."""

    DECODE = "decode"
    LOCATE = "locate"
    OCR = "ocr"
    LAYOUT = "layout"
    STRUCTURE = "structure"
    MATCH = "match"
    CLASSIFY = "classify"
    INSIGHTS = "insights"


#: Fraction of the whole work that is done after a stage.
DONE = {
    Stage.DECODE: 0.02,
    Stage.LOCATE: 0.06,
    Stage.OCR: 0.93,
    Stage.LAYOUT: 0.94,
    Stage.STRUCTURE: 0.95,
    Stage.MATCH: 0.96,
    Stage.CLASSIFY: 0.98,
    Stage.INSIGHTS: 1.0,
}
#: While lines are read, this many seconds pass between two reports.
_REPORT_S = 0.12

#: Called after each stage, and every now and then while lines are read, with the stage, the fraction of the whole work
#: that is done (0..1) and what is known so far (plain data, keys as on the wire). What it raises ends the analysis.
Progress = Callable[[Stage, float, Mapping[str, Any]], None]


class LabelsLike(Protocol):
    """What a classifier returns. For the fields see `classify.Labels`."""

    @property
    def section(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def skill(self) -> str: ...
    @property
    def difficulty(self) -> dict[Difficulty, float]: ...
    @property
    def confidence(self) -> dict[Literal["section", "domain", "skill"], float]: ...


class Ocr(Protocol):
    """What reads the pieces of lines that were found on a page."""

    def __call__(self, scan: Scan, segments: Sequence[Segment], tick: Callable[[int, Text], None]) -> Sequence[Text]:
        """Read them.

        Args:
            scan: the page; `scan.grey` holds its grey levels, `scan.ink` the same as ink on white paper.
            segments: what to read, each with its `box` in pixels.
            tick: to be called with each piece's number and text as soon as it was read.

        Returns:
            A text for each segment, in their order.
        """


class Classify(Protocol):
    """What tells section, domain, skill and difficulty."""

    def __call__(self, text: str, *, choices: Sequence[str], figure: bool) -> LabelsLike:
        """The labels of a question.

        Args:
            text: all of it in reading order, choices with their letters; all that was read where no question was found.
            choices: texts of the choices; empty for a typed answer.
            figure: a figure or table belongs to it.
        """


#: Says what is useful to know of a question. It is given everything but the insights.
Advise = Callable[[QuestionAnalysis], Iterable[Insight]]


@dataclass
class Stages:
    """The stages that can be replaced; those that are None are this package's own, loaded when first needed.

    Attributes:
        ocr: reads lines.
        classify: labels a question.
        insights: advises.
    """

    ocr: Ocr | None = None
    classify: Classify | None = None
    insights: Advise | None = None

    def warm_up(self) -> None:
        """Load all models and libraries now."""
        from PIL import Image

        import bonsai_vision.locate
        import bonsai_vision.structure  # noqa: F401

        Image.init()
        self.read()
        self.labels()
        self.advice()

    def read(self) -> Ocr:
        """The stage that reads lines."""
        if self.ocr is None:
            from bonsai_vision.ocr import Reader

            self.ocr = Reader()
        return self.ocr

    def labels(self) -> Classify:
        """The stage that labels a question."""
        if self.classify is None:
            from bonsai_vision.classify import classify

            classify("")
            self.classify = classify
        return self.classify

    def advice(self) -> Advise:
        """The stage that advises."""
        if self.insights is None:
            from bonsai_vision.insights import advise

            self.insights = advise
        return self.insights


@dataclass
class Work:
    """One analysis under way: what each stage has found, and how long it took.

    Attributes:
        timings: milliseconds by stage, and `total`.
    """

    progress: Progress | None = None
    timings: dict[str, float] = field(default_factory=dict)
    scan: Scan | None = None
    place: Place | None = None
    lines: list[Line] = field(default_factory=list)
    structure: Structure | None = None
    match: Match | None = None
    _begun: float = field(default_factory=time.perf_counter)
    _last: float = field(default_factory=time.perf_counter)

    def done(self, stage: Stage, partial: Mapping[str, Any]) -> None:
        """A stage is done: time it and tell."""
        now = time.perf_counter()
        self.timings[stage.value] = round((now - self._last) * 1000, 2)
        self.timings["total"] = round((now - self._begun) * 1000, 2)
        self._last = now
        if self.progress is not None:
            self.progress(stage, DONE[stage], partial)


def analyze_image(
    data: bytes,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    bank: Matcher | None = None,
    stages: Stages | None = None,
) -> tuple[QuestionAnalysis, dict[str, float]]:
    """Analyse a picture.

    Args:
        data: a PNG, JPEG or WebP file.
        limits: what is read at most.
        progress: told of each stage; what it raises ends the analysis, so a cancellation is raised there.
        bank: questions to recognise.
        stages: what reads, labels and advises; made anew, with slow loading, if left out.

    Returns:
        The analysis, and milliseconds by stage and in total.

    Raises:
        PictureError: it cannot be read, and why.
    """
    stages = stages or Stages()
    work = Work(progress)
    structure = read_image(work, data, limits, stages)
    return finish(work, structure, bank, stages), work.timings


def analyze_text(
    text: str,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    bank: Matcher | None = None,
    stages: Stages | None = None,
) -> tuple[QuestionAnalysis, dict[str, float]]:
    """Analyse a text that somebody pasted. For arguments and result see `analyze_image`.

    Raises:
        PictureError: it is too long.
    """
    from bonsai_vision.structure import parse

    limits = limits or Limits()
    if len(text) > limits.max_text:
        raise PictureError("too_large", f"the text has {len(text)} characters; at most {limits.max_text} are read")
    work = Work(progress)
    work.structure = parse(text)
    work.done(Stage.STRUCTURE, _parts(work.structure))
    return finish(work, work.structure, bank, stages or Stages()), work.timings


def read_image(work: Work, data: bytes, limits: Limits | None, stages: Stages) -> Structure:
    """The stages from the file to the question's parts; `work` keeps what each of them has found."""
    picture = open_picture(data, limits)
    work.done(Stage.DECODE, {"width": picture.width, "height": picture.height, "format": picture.format})

    from bonsai_vision.layout import lines
    from bonsai_vision.locate import locate
    from bonsai_vision.segments import scan
    from bonsai_vision.structure import build

    work.scan = scan(picture.grey)
    work.place = locate(work.scan)
    pieces = sum(len(column.segments) for column in work.place.columns)
    work.done(Stage.LOCATE, {"box": list(work.place.box) if work.place.box else None, "pieces": pieces})

    texts = _read(work, stages.read(), pieces)
    work.done(Stage.OCR, {"pieces": pieces})

    for number, (column, said) in enumerate(zip(work.place.columns, texts, strict=True)):
        work.lines += lines(work.scan, column, said, number)
    work.done(Stage.LAYOUT, {"text": "\n".join(line.text for line in work.lines)})

    work.structure = build(work.lines, frames=work.scan.frames, figures=work.place.figures)
    work.done(Stage.STRUCTURE, _parts(work.structure))
    return work.structure


def _read(work: Work, ocr: Ocr, pieces: int) -> list[list[Text]]:
    """The texts of every column's pieces, with reports on the way."""
    assert work.scan is not None and work.place is not None
    span = DONE[Stage.OCR] - DONE[Stage.LOCATE]
    read: list[str] = []
    reported = time.perf_counter()

    def tick(number: int, text: Text) -> None:
        nonlocal reported
        read.append(text.text)
        now = time.perf_counter()
        if work.progress is not None and now - reported >= _REPORT_S:
            reported = now
            fraction = DONE[Stage.LOCATE] + span * min(len(read) / max(pieces, 1), 1)
            work.progress(Stage.OCR, round(fraction, 3), {"text": " ".join(read)})

    columns: Sequence[Column] = work.place.columns
    return [list(ocr(work.scan, column.segments, tick)) for column in columns]


def finish(work: Work, structure: Structure, bank: Matcher | None, stages: Stages) -> QuestionAnalysis:
    """The stages from the question's parts to the analysis. A known question needs no classifier."""
    work.match = bank.find(structure) if bank is not None and structure.stem else None
    work.done(Stage.MATCH, {"matchedQuestionId": work.match.question["id"] if work.match else None})
    if work.match is not None:
        analysis = _known(structure, work.match)
    else:
        choices = [text for _, text in structure.choices]
        labels = stages.labels()(structure.text, choices=choices, figure=structure.figure)
        analysis = _labelled(structure, labels)
    labelled = {"section", "domain", "skill", "difficulty", "confidence"}
    work.done(Stage.CLASSIFY, analysis.model_dump(mode="json", by_alias=True, include=labelled))
    if analysis.section != UNKNOWN:
        from bonsai_vision.insights import expected_seconds

        analysis.expected_seconds = analysis.expected_seconds or expected_seconds(analysis)
        analysis.insights = list(stages.advice()(analysis))
    work.done(Stage.INSIGHTS, {"insights": [insight.model_dump(by_alias=True) for insight in analysis.insights]})
    return analysis


def _parts(structure: Structure) -> dict[str, Any]:
    return {
        "passage": structure.passage,
        "stem": structure.stem,
        "choices": [{"key": key, "text": text} for key, text in structure.choices],
        "hasFigure": structure.figure,
    }


def _labelled(structure: Structure, labels: LabelsLike) -> QuestionAnalysis:
    known = labels.section != UNKNOWN
    return QuestionAnalysis(
        text=structure.text if known else structure.read,
        passage=structure.passage if known else None,
        stem=structure.stem if known else "",
        choices=[Choice(key=key, text=text) for key, text in structure.choices] if known else [],
        section=labels.section,
        domain=labels.domain,
        skill=labels.skill,
        difficulty=labels.difficulty,
        confidence=labels.confidence,
        has_figure=structure.figure and known,
    )


def _known(structure: Structure, match: Match) -> QuestionAnalysis:
    question = match.question
    band = difficulty_of_band(int(question.get("band", 4)))
    near: dict[Difficulty, float] = {"easy": 0.05, "medium": 0.05, "hard": 0.05}
    near[band] = 0.9
    return QuestionAnalysis(
        text=structure.text,
        passage=question.get("passage"),
        stem=question["stem"],
        choices=[Choice(key=choice["key"], text=choice["text"]) for choice in question.get("choices") or ()],
        section=question["section"],
        domain=question["domain"],
        skill=question["skill"],
        difficulty=near,
        confidence={"section": match.score, "domain": match.score, "skill": match.score},
        matched_question_id=question["id"],
        has_figure=bool(question.get("figure")) or structure.figure,
        expected_seconds=question.get("expectedSeconds"),
    )
