"""What `bonsai recs simulate` and `bonsai simulate` show on the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bonsai_recs.simulate import Figures, ratios
from bonsai_recs.simulate_live import Outcome


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr; gives what to call after each step."""
    with _progress() as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def live_bar(total: int) -> Callable[[Outcome], Awaitable[None]]:
    """Shows the answers of virtual students as they come, until it is cancelled."""

    async def show(outcome: Outcome) -> None:
        with _progress() as progress:
            task = progress.add_task("answers", total=total)
            try:
                while True:
                    what = f"answers ({outcome.hint})" if outcome.hint else "answers"
                    progress.update(task, completed=outcome.answered, description=what)
                    await asyncio.sleep(0.1)
            finally:
                progress.update(task, completed=outcome.answered, description="answers")

    return show


def table(figures: Sequence[Figures]) -> None:
    """Rules and how they did, and how ours compares."""
    shown = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("Rule", f"RMSE at {figures[0].items}", "Bias", "In 80 %", "Highest exposure", "Never used"):
        shown.add_column(heading, justify="left" if heading == "Rule" else "right")
    for heading in ("Off blueprint", "Items to SE .40", "Exposure there"):
        shown.add_column(heading, justify="right")
    for f in figures:
        shown.add_row(
            f.rule,
            f"{f.rmse:.3f}",
            f"{f.bias:+.3f}",
            f"{f.coverage80:.1%}",
            f"{f.exposure:.3f}",
            f"{f.unused:.0%}",
            f"{f.blueprint_error:.2f}",
            f"{f.items_to_error:.1f}" + ("" if not f.unfinished else f" ({f.unfinished:.0%} not)"),
            f"{f.exposure_to_error:.3f}",
        )
    console = Console(highlight=False, width=None if Console().is_terminal else 140)
    console.print(shown)
    first = figures[0]
    console.print(f"{first.students} students, {first.repeats} tests each of either kind; abilities N(0, 1).")
    for name, ratio in ratios(figures).items():
        console.print(f"{name}: {ratio:.3f}")


def summary(figures: Mapping[str, Any]) -> None:
    """How virtual students did."""
    shown = Table(box=box.SIMPLE, pad_edge=False, show_header=False)
    for name, value in figures.items():
        shown.add_row(name, f"{value:,.4g}" if isinstance(value, float) else str(value))
    Console(highlight=False).print(shown)


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
