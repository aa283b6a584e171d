"""`bonsai vision analyze` and `bonsai vision evaluate`: only click is imported here, the rest when they run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bonsai_core import QuestionAnalysis
    from bonsai_vision.evaluate import Report
    from bonsai_vision.match import Matcher
    from bonsai_vision.pipeline import Stages


@click.group()
def vision() -> None:
    """Read questions from screenshots.

    \b
    Examples:
      bonsai vision analyze page.png
      bonsai vision evaluate screenshots/
    """


@vision.command("analyze", short_help="Analyse screenshots, or texts.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One analysis a line as JSON, and nothing else on stdout.")
@click.option(
    "--annotate",
    "out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw what was found on the picture, as PNG; of several FILES the number is put before the suffix.",
)
@click.option(
    "--bank",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Questions to recognise, as JSON Lines: id, section, domain, skill, stem, passage, choices.",
)
def analyze(files: tuple[Path, ...], as_json: bool, out: Path | None, bank: Path | None) -> None:
    """Analyse FILES on this machine: PNG, JPEG or WebP; a .txt file is a question as text, - is text on stdin.

    Exit code 1: a file could not be read.

    \b
    Examples:
      bonsai vision analyze page.png --annotate found.png
      bonsai vision analyze *.jpg --json
      bonsai vision analyze - < question.txt
    """
    from bonsai_vision.picture import PictureError
    from bonsai_vision.pipeline import Stages

    stages, matcher = Stages(), _matcher(bank)
    stages.warm_up()
    failed = False
    for number, file in enumerate(files, 1):
        target = None if out is None else out if len(files) == 1 else out.with_stem(f"{out.stem}-{number}")
        try:
            analysis, timings = _analyze(file, target, stages, matcher)
        except (OSError, UnicodeError, PictureError) as error:
            failed = True
            click.echo(f"{getattr(error, 'filename', None) or file}: {_said(error)}", err=True)
            continue
        if as_json:
            document = analysis.model_dump(mode="json", by_alias=True, exclude_none=True)
            click.echo(json.dumps({"file": str(file), "analysis": document, "timings": timings}, ensure_ascii=False))
        else:
            _show(file, analysis, timings)
    if failed:
        raise SystemExit(1)


@vision.command("evaluate", short_help="Measure the analysis on screenshots whose truth is known.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--first", type=click.IntRange(1), help="Take only so many, the first ones by name.")
@click.option("--compare", is_flag=True, help="Read each one with plain rapidocr too, for its errors and its time.")
@click.option("--one-core", is_flag=True, help="Take one processor core for everything, where the system allows it.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, and nothing else on stdout.")
@click.option("--worst", type=click.IntRange(0), default=0, show_default=True, help="List so many with most errors.")
def evaluate(folder: Path, first: int | None, compare: bool, one_core: bool, as_json: bool, worst: int) -> None:
    """Measure the analysis on the screenshots in FOLDER: NNN.png, jpg or webp with the truth in NNN.json.

    Screenshots with their truth are made by render/make.py of this package's source.

    \b
    Examples:
      bonsai vision evaluate screenshots/
      bonsai vision evaluate screenshots/ --compare --one-core --json
    """
    from rich.console import Console
    from rich.progress import track

    from bonsai_vision.evaluate import Report, cases, run

    if one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    every = cases(folder)[:first]
    if not every:
        raise click.UsageError(f"{folder} holds no screenshots with their truth")
    console = Console(stderr=True)
    report = Report()
    results = run(every, compare=compare)
    report.results += track(results, "screenshots", total=len(every), console=console, transient=True)
    if as_json:
        click.echo(json.dumps(report.document()))
    else:
        _table(report, worst)


def _analyze(
    file: Path, out: Path | None, stages: Stages, matcher: Matcher | None
) -> tuple[QuestionAnalysis, dict[str, float]]:
    from bonsai_vision.pipeline import Work, analyze_text, finish, read_image

    if str(file) == "-" or file.suffix == ".txt":
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        if out is not None:
            click.echo(f"{file}: a text has no picture to draw on", err=True)
        return analyze_text(text, stages=stages, bank=matcher)
    data = file.read_bytes()
    work = Work()
    analysis = finish(work, read_image(work, data, None, stages), matcher, stages)
    if out is not None:
        from bonsai_vision.annotate import annotate

        out.write_bytes(annotate(data, work, analysis))
    return analysis, work.timings


def _matcher(bank: Path | None) -> Matcher | None:
    if bank is None:
        return None
    from bonsai_vision.match import Matcher

    try:
        rows = [json.loads(line) for line in bank.read_text(encoding="utf-8").splitlines() if line.strip()]
        return Matcher(row for row in rows if "stem" in row)
    except (UnicodeError, ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(f"{bank} holds no questions as JSON Lines ({type(error).__name__})") from None


def _said(error: Exception) -> str:
    from bonsai_vision.picture import PictureError

    if isinstance(error, PictureError):
        return error.message
    if isinstance(error, UnicodeError):
        return "is no text in UTF-8"
    return getattr(error, "strerror", None) or str(error)


def _show(file: Path, analysis: QuestionAnalysis, timings: dict[str, float]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)

    def grid(*rows: tuple[str, ...]) -> None:
        table = Table.grid(padding=(0, 2))
        for number in range(len(rows[0])):
            table.add_column(style="dim" if number == 0 else None, no_wrap=number == 0)
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
        console.print()

    console.rule(escape(str(file)))
    if analysis.section == "unknown":
        console.print("No question of the test.\n", style="bold")
        console.print(analysis.text, markup=False)
        console.print()
    else:
        if analysis.passage:
            console.print(analysis.passage + "\n", markup=False)
        console.print(analysis.stem + "\n", style="bold", markup=False)
        if analysis.choices:
            grid(*((f" {choice.key}", choice.text) for choice in analysis.choices))
        labels = [(name, getattr(analysis, name), f"{sure:.0%}") for name, sure in analysis.confidence.items()]
        grid(
            *labels, ("difficulty", ", ".join(f"{name} {share:.0%}" for name, share in analysis.difficulty.items()), "")
        )
        if analysis.matched_question_id:
            grid(("known as", analysis.matched_question_id))
        if analysis.insights:
            grid(*((insight.kind.replace("_", " "), insight.text) for insight in analysis.insights))
    console.print(f"{timings['total']:.0f} ms", style="dim")


def _table(report: Report, worst: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console, figures = Console(highlight=False), report.document()
    table = Table(box=None, pad_edge=False)
    for name in ("Style", "Questions", "Character errors", "Choices found"):
        table.add_column(name, justify="left" if name == "Style" else "right")
    for name, row in figures["styles"].items():
        found = _percent(row["choicesFound"])
        table.add_row(name or "-", str(row["questions"]), f"{row['characterErrorRate']:.2%}", found)
    console.print(table)
    console.print()
    summary = Table(box=None, show_header=False, pad_edge=False)
    for section, rate in figures["characterErrorRate"].items():
        theirs = figures.get("rapidocr", {}).get("characterErrorRate", {}).get(section)
        plain = "" if theirs is None else f"plain rapidocr {theirs:.2%}"
        summary.add_row(f"character errors, {section}", f"{rate:.2%}", plain)
    for name, label in (
        ("choicesFound", "choices found"),
        ("passageAndStem", "passage and stem"),
        ("figure", "figure"),
    ):
        summary.add_row(label, _percent(figures[name]))
    for source, labels in figures["labels"].items():
        for name, share in labels.items():
            summary.add_row(f"{name}{f' ({source})' if source else ''}", _percent(share))
    summary.add_row("no questions refused", _percent(figures["othersRefused"]))
    summary.add_row("milliseconds, mean", f"{figures['milliseconds'].get('mean', 0):.0f}")
    if "timeRatio" in figures:
        ratio = figures["timeRatio"]
        summary.add_row(
            "time by plain rapidocr's", f"{ratio['total']:.2f}", f"median {ratio['median']}, worst {ratio['worst']}"
        )
    console.print(summary)
    for result in sorted(report.results, key=lambda result: -result.wrong)[:worst]:
        found = "" if result.choices else "  choices not found"
        console.print(f"{result.case.picture.name}: {result.wrong} of {result.length}{found}", markup=False)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
