"""`bonsai analytics replay | fit | simulate | report`: only click is imported here, the rest when it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bonsai_analytics.recorded import Row

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_out = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group(short_help="Predict recorded answers, fit the learner model, report on a student.")
def analytics() -> None:
    """Predict recorded answers, fit the learner model, report on a student."""


@analytics.command()
@click.argument("file", type=_file)
@click.option(
    "--predict", "out", type=_out, metavar="OUT.csv", help="Write FILE with P(right) before each answer, as `p`."
)
@click.option("--constants", type=_file, help="Fitted constants; default: those that come with the package.")
@click.option("--items", type=_file, help="Table of questions of known difficulty; default: the package's.")
@click.option("--cold", is_flag=True, help="Know no question beforehand.")
@click.option(
    "--after", type=_file, metavar="FILE", help="Learn questions and skills from the answers of this file first."
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, and nothing else on stdout.")
def replay(
    file: Path,
    out: Path | None,
    constants: Path | None,
    items: Path | None,
    cold: bool,
    after: Path | None,
    as_json: bool,
) -> None:
    """Predict each answer of FILE before it is learnt, in order, and tell how good that was.

    FILE has the columns user, question, skill, correct (0 or 1) and perhaps seconds; a question may be empty. It goes
    through the same online model as answers do in the live server. No user is known beforehand; questions are, where
    the table has them, and are learnt from FILE as it goes.

    \b
    Examples:
      bonsai analytics replay answers.csv.gz --predict predicted.csv
      bonsai analytics replay answers.csv --cold --json
    """
    import time

    from bonsai_analytics.model import known, predict
    from bonsai_analytics.model.constants import Constants, shipped
    from bonsai_analytics.model.learner import Learner

    if cold and items is not None:
        raise click.UsageError("--cold and --items exclude one another")
    rows = _read(file)
    learner = Learner(Constants.read(constants) if constants else shipped())
    table = None if cold else known.KnownItems.read(items or known.SHIPPED)
    shared = predict.Shared()
    if after is not None:
        for _ in predict.forecasts(_read(after), learner, table, shared):
            pass
    p: list[float] = []
    met = 0
    began, cpu = time.perf_counter(), time.process_time()
    with _progress("answers", len(rows)) as advance:
        for number, forecast in enumerate(predict.forecasts(rows, learner, table, shared)):
            p.append(forecast.p)
            met += forecast.known
            if number % 5000 == 0:
                advance(number)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    shown: dict[str, Any] = {
        **predict.figures(p, [row.correct for row in rows]),
        "known": met / len(rows),
        "microsecondsPerAnswer": round(cpu / len(rows) * 1e6, 1),
        "seconds": round(took, 2),
    }
    if out is not None:
        _write(out, rows, p)
        shown["predictions"] = str(out)
    if as_json:
        finite = {name: None if isinstance(v, float) and v != v else v for name, v in shown.items()}
        click.echo(json.dumps(finite))
        return
    click.echo(
        f"{len(rows)} answers, {shown['correct']:.1%} right; {shown['known']:.0%} to questions of known difficulty"
    )
    click.echo(f"AUC {shown['auc']:.4f}, log loss {shown['logLoss']:.4f}")
    click.echo(
        f"calibration error {shown['ece']:.4f} (10 bins of equal width), {shown['eceEqualMass']:.4f} (of equal mass)"
    )
    click.echo(f"{shown['microsecondsPerAnswer']:.0f} microseconds of processor time an answer")


@analytics.command()
@click.argument("files", nargs=-1, required=True, type=_file, metavar="FILE...")
@click.option("--out", type=_out, required=True, help="Where the constants go, as JSON.")
@click.option("--items", type=_out, help="Where the table of questions goes, as JSON.")
def fit(files: tuple[Path, ...], out: Path, items: Path | None) -> None:
    """Fit the learner model's constants to recorded answers, and its table of questions.

    The same files give the same constants. The table holds only a hash, a difficulty and its uncertainty of each
    question.

    \b
    Example:
      bonsai analytics fit assist2009_train.csv.gz assist2015_train.csv.gz --out constants.json --items items.json
    """
    from bonsai_analytics.model.fit import fit as fit_model

    answers = [_read(file) for file in files]
    with _progress("fitting", 1000) as advance:
        constants, table = fit_model(answers, progress=lambda what, part: advance(int(part * 1000)))
    about = {"by": "bonsai analytics fit", "files": [file.name for file in files], "answers": [len(a) for a in answers]}
    constants.write(out, **about)
    if items is not None:
        table.write(items, **about)
    click.echo(f"{sum(map(len, answers))} answers; {len(constants.weights)} weights to {out}", nl=items is None)
    if items is not None:
        click.echo(f", {len(table)} questions to {items}")


@analytics.command()
@click.option(
    "--students",
    type=click.IntRange(2, 100_000),
    default=500,
    show_default=True,
    help="How many are simulated.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of abilities, questions and luck.")
@click.option(
    "--answers",
    type=click.IntRange(10, 2000),
    multiple=True,
    default=(10, 20, 40, 80, 160),
    show_default=True,
    help="In each section, before its score is predicted; may be given again.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, and nothing else on stdout.")
def simulate(students: int, seed: int, answers: tuple[int, ...], as_json: bool) -> None:
    """Simulated students practise and sit a test: how often do the intervals of their predicted scores hold?

    The intervals are 80 % ones: of the true score, which the student's abilities are worth, and of one test taken now.

    \b
    Examples:
      bonsai analytics simulate
      bonsai analytics simulate --students 2000 --answers 30 --answers 60 --json
    """
    from bonsai_analytics import simulate as simulation

    with _progress("students", students) as advance:
        outcome = simulation.simulate(students, seed, sorted(set(answers)), advance)
    found = {"students": students, "seed": seed, **outcome.document()}
    if as_json:
        click.echo(json.dumps(found))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("answers in each section", "score of", "true scores held", "tests held", "RMSE", "width"):
        table.add_column(heading, justify="left" if heading == "score of" else "right")
    every = [(str(entry["answers"]), entry) for entry in found["byAnswers"]] + [("all", found["all"])]
    for answered, entry in every:
        for what, name in (("a section", "sections"), ("the total", "totals")):
            held = entry[name]
            shares = (f"{held['trueScores']:.1%}", f"{held['tests']:.1%}")
            table.add_row(answered, what, *shares, f"{held['rmse']:.0f}", f"{held['width']:.0f}")
    Console(highlight=False).print(table)


@analytics.command()
@click.argument("user")
@click.option("--url", help="The server's address; default: the local one of WEBSOCKET_HOST and WEBSOCKET_PORT.")
@click.option("--days", type=click.IntRange(1, 365), default=60, show_default=True, help="How far back.")
@click.option("--utc-offset", type=click.IntRange(-840, 840), default=0, show_default=True, help="Minutes east of UTC.")
@click.option("--html", type=_out, metavar="PAGE.html", help="Write a page with plots, too.")
@click.option("--json", "as_json", is_flag=True, help="What the server told, as JSON.")
def report(user: str, url: str | None, days: int, utc_offset: int, html: Path | None, as_json: bool) -> None:
    """Report how USER is doing: practice, skills, predicted score, goal.

    Asks the running server as that user, with a token signed with JWT_SECRET or given by a server in development mode.

    \b
    Example:
      bonsai analytics report ada --html ada.html
    """
    from bonsai_analytics import student_report
    from bonsai_analytics.commands import _local, _run
    from bonsai_analytics.replay import ReplayFailed
    from bonsai_core import Settings

    if utc_offset % 15:
        raise click.UsageError("--utc-offset is in quarters of an hour")
    settings = Settings()
    url = url or _local(settings.websocket_host, settings.websocket_port)
    try:
        progress = _run(student_report.ask(settings, url, user, days, utc_offset))
    except (ReplayFailed, ValueError) as failed:
        raise click.ClickException(str(failed)) from None
    if as_json:
        click.echo(progress.model_dump_json(by_alias=True, exclude_none=True))
    else:
        student_report.tell(user, progress)
    if html is not None:
        from bonsai_analytics.student_page import page

        html.write_text(page(user, progress), encoding="utf-8")
        click.echo(f"wrote {html}", err=True)


def _read(file: Path) -> list[Row]:
    from bonsai_analytics import recorded

    try:
        rows = recorded.read(file)
    except recorded.BadFile as bad:
        raise click.ClickException(str(bad)) from None
    if not rows:
        raise click.ClickException(f"{file} has no answers")
    return rows


def _write(out: Path, rows: list[Row], p: list[float]) -> None:
    import csv
    import gzip

    timed = any(row.seconds for row in rows)
    open_file = gzip.open if out.suffix == ".gz" else open
    with open_file(out, "wt", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["user", "question", "skill", "correct", *(["seconds"] if timed else []), "p"])
        for row, value in zip(rows, p, strict=True):
            seconds = [f"{row.seconds:g}"] if timed else []
            lines.writerow([row.user, row.question, row.skill, int(row.correct), *seconds, f"{value:.6f}"])


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
        bar.update(task, completed=total)
