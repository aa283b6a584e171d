"""What `bonsai replay` shows: a bar while it plays (plain lines where there is no terminal), then the figures.

The display goes to stderr, the figures to stdout, so that `--json` can be piped.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import click

from bonsai_analytics.recorded import Tally
from bonsai_analytics.replay import Outcome, Plan
from bonsai_analytics.stats import share

#: Seconds between two plain lines.
LINE_EVERY = 2.0
#: Skills shown at either end, of those with at least so many answers.
SHOWN_SKILLS = 5
ENOUGH_ANSWERS = 10

Show = Callable[[Outcome], Awaitable[None]]


def display(total: int) -> Show:
    """What to run beside a replay of `total` answers."""
    from rich.console import Console

    console = Console(stderr=True)
    return _bar(total, console) if console.is_terminal else _lines(total)


def _bar(total: int, console: Any) -> Show:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    async def show(outcome: Outcome) -> None:
        columns = (
            TextColumn("answers"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("answers", total=total, note="")
            told = False
            try:
                while True:
                    told = _tell_limits(outcome, total, told)
                    progress.update(task, completed=outcome.acked, note=_note(outcome))
                    await asyncio.sleep(0.1)
            finally:
                progress.update(task, completed=outcome.acked, note="")

    return show


def _lines(total: int) -> Show:
    async def show(outcome: Outcome) -> None:
        told, next_line = False, time.monotonic() + LINE_EVERY
        while True:
            await asyncio.sleep(0.1)
            told = _tell_limits(outcome, total, told)
            if time.monotonic() >= next_line:
                next_line += LINE_EVERY
                click.echo(f"{outcome.acked}/{total} answers; {_note(outcome)}", err=True)

    return show


def _note(outcome: Outcome) -> str:
    rate = outcome.acked / outcome.seconds if outcome.seconds else 0.0
    waiting = f"; waiting: {outcome.hint}" if outcome.hint else ""
    return f"{rate:.0f}/s, {outcome.reconnects} reconnects{waiting}"


def _tell_limits(outcome: Outcome, total: int, told: bool) -> bool:
    """Say once how to lift the server's rate limit, when it is one that will be felt."""
    if told or outcome.limits is None:
        return told
    messages, seconds = outcome.limits
    if messages < total:
        click.echo(
            f"The server takes {messages} messages in {seconds:g} s from each student, which this replay keeps to. "
            "To play faster, start it with BONSAI_RATE_MAX_REQUESTS=0.",
            err=True,
        )
    return True


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    if not sorted_values:
        return 0.0
    return sorted_values[max(0, math.ceil(len(sorted_values) * percent / 100) - 1)]


def figures(plan: Plan, outcome: Outcome, *, check: bool) -> dict[str, Any]:
    """All that is told of a replay, as JSON-able data.

    Args:
        check: compare what the server counted with what the file says.
    """
    total = sum(outcome.counted, Tally())
    sent = sum(len(rows) for rows in plan.students)
    latencies = sorted(outcome.latencies)
    shown: dict[str, Any] = {
        "run": plan.run,
        "students": len(plan.students),
        "answers": sent,
        "acknowledged": outcome.acked,
        "refused": len(outcome.refusals),
        "seconds": round(outcome.seconds, 3),
        "answersPerSecond": round(outcome.acked / outcome.seconds, 1) if outcome.seconds else 0.0,
        "ackMs": {
            name: round(percentile(latencies, percent) * 1000, 2)
            for name, percent in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))
        },
        "reconnects": outcome.reconnects,
        "counted": {
            "answered": total.answered,
            "correct": total.correct,
            "accuracy": share(total.correct, total.answered),
            "skills": len(total.skills),
        },
        **_ends(total),
    }
    if outcome.refusals:
        shown["firstRefusal"] = " ".join(outcome.refusals[0])
    if check:
        shown["mismatches"] = [
            f"{plan.run}-{number}: {difference}"
            for number, (rows, counted) in enumerate(zip(plan.students, outcome.counted, strict=True))
            for difference in Tally.of(rows).differences(counted)
        ]
    return shown


def _ends(total: Tally) -> dict[str, Any]:
    known: list[dict[str, Any]] = [
        {"skill": skill, "accuracy": share(total.right[skill], answered), "answered": answered}
        for skill, answered in total.skills.items()
        if answered >= ENOUGH_ANSWERS
    ]
    known.sort(key=lambda row: (-row["accuracy"], row["skill"]))
    return {"topSkills": known[:SHOWN_SKILLS], "bottomSkills": known[SHOWN_SKILLS:][-SHOWN_SKILLS:]}


def tell(shown: dict[str, Any]) -> None:
    """Print the figures for people."""
    counted, ack = shown["counted"], shown["ackMs"]
    click.echo(
        f"{shown['acknowledged']} answers of {shown['students']} students in {shown['seconds']:.1f} s: "
        f"{shown['answersPerSecond']:.0f} answers/s"
    )
    click.echo(
        f"ack p50 {ack['p50']:.1f} ms, p95 {ack['p95']:.1f} ms, p99 {ack['p99']:.1f} ms, max {ack['max']:.0f} ms"
    )
    click.echo(f"reconnects {shown['reconnects']}, refused {shown['refused']}")
    click.echo(
        f"the server counted {counted['answered']} answers, {counted['correct']} right "
        f"({counted['accuracy']:.1%}), in {counted['skills']} skills"
    )
    for title, name in (("best", "topSkills"), ("weakest", "bottomSkills")):
        if shown[name]:
            skills = ", ".join(f"{row['skill']} {row['accuracy']:.0%} of {row['answered']}" for row in shown[name])
            click.echo(f"{title}: {skills}")
    if "firstRefusal" in shown:
        click.echo(f"first refusal: {shown['firstRefusal']}", err=True)
    if "mismatches" in shown:
        for mismatch in shown["mismatches"][:20]:
            click.echo(f"mismatch: {mismatch}", err=True)
        click.echo(
            f"check: {len(shown['mismatches'])} mismatches" if shown["mismatches"] else "check: counts are exact"
        )
