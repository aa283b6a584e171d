"""`bonsai analytics report`: asks the server how a student is doing, and prints it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import aiohttp

from bonsai_analytics.events import Progress, Score, SectionScore
from bonsai_analytics.replay import ReplayFailed, check_server, token_source
from bonsai_core import Settings
from bonsai_core.client import Auth, Client, ClientError

if TYPE_CHECKING:
    from rich.console import Console

#: Skills printed: the weakest ones first.
SHOWN = 12


async def ask(settings: Settings, url: str, user: str, days: int, utc_offset: int) -> Progress:
    """What the server knows of a user's practice.

    Args:
        days: how far back, 1 to 365.
        utc_offset: where the user's midnight is, in minutes east of UTC.

    Raises:
        ReplayFailed: there is no server, or it refuses; says why.
    """
    async with aiohttp.ClientSession() as http:
        await check_server(http, url)
        token = await token_source(settings, url, http)(user)
        auth = Auth(token=token, session_id=f"report-{secrets.token_hex(6)}")
        try:
            async with Client(url, auth=auth, session=http) as client:
                query = {"days": days, "utcOffsetMinutes": utc_offset}
                return Progress.model_validate(await client.request("analytics:progress", query, timeout=30))
        except (ClientError, TimeoutError) as error:
            raise ReplayFailed(f"{url} did not tell: {error}") from None


def _tell_score(console: Console, score: Score) -> None:
    from rich.table import Table

    table = Table("predicted score", "", "true score, 80 %", "one test, 80 %", box=None, pad_edge=False)
    rows: list[tuple[str, int | None, Score | SectionScore]] = [("total", score.total, score)]
    rows += [(name, section.score, section) for name, section in score.sections.items()]
    for name, value, told in rows:
        if value is not None:
            table.add_row(name, str(value), f"{told.low} to {told.high}", f"{told.test_low} to {told.test_high}")
    console.print(table, highlight=False)


def tell(user: str, progress: Progress) -> None:
    """Print the report."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    totals = progress.totals
    console.print(Text(f"{user}, the last {len(progress.days)} days", style="bold"))
    console.print(
        f"{totals.answered} answers, {totals.accuracy:.0%} right, {totals.seconds / 60:.0f} minutes on them",
        highlight=False,
    )
    score = progress.score
    if score is None:
        console.print("No predicted score yet: it takes ten answers in a section of the test.", highlight=False)
    else:
        _tell_score(console, score)
    goal = progress.goal
    if goal.total is not None:
        chance = f": chance {goal.chance:.0%} in a test now" if goal.chance is not None else ""
        console.print(f"goal {goal.total}{chance}", highlight=False)
    if goal.per_week is not None:
        console.print(f"this week {goal.this_week} of {goal.per_week} answers", highlight=False)
    if progress.skills:
        console.print()
        table = Table("skill", box=None, pad_edge=False)
        for heading in ("mastery", "80 % interval", "answers", "right"):
            table.add_column(heading, justify="right")
        weakest = sorted(progress.skills.items(), key=lambda entry: (entry[1].mastery, entry[0]))
        for name, skill in weakest[:SHOWN]:
            table.add_row(
                Text(name),
                f"{skill.mastery:.0%}",
                f"{skill.low:.0%} to {skill.high:.0%}",
                str(skill.answered),
                str(skill.correct),
            )
        console.print(table)
        if len(weakest) > SHOWN:
            console.print(f"and {len(weakest) - SHOWN} skills that are better", highlight=False)
