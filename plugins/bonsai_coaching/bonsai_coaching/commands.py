"""`bonsai coach`: look at the rules, and play recorded sessions. Only click is imported here, the rest when it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bonsai_coaching.coach import Coach

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def coach() -> None:
    """When the coach speaks up, and why.

    \b
    Examples:
      bonsai coach rules
      bonsai coach replay session.jsonl --rules my-rules.toml
    """


@coach.command("rules", short_help="The triggers, in order of precedence.")
@click.option("--rules", "path", type=_FILE, help="Another file than BONSAI_COACHING_RULES.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, and nothing else on stdout.")
def show_rules(path: Path | None, as_json: bool) -> None:
    """List the triggers: when each is looked at, what must hold, and how often it may speak.

    Exit code 1: the file is not valid.
    """
    from bonsai_coaching.rules import Rule

    rules = _coach(path).rules
    if as_json:
        told = [rule.model_dump(mode="json", exclude={"predicate", "when"}) for rule in rules]
        for entry, rule in zip(told, rules, strict=True):
            entry["when"] = {name: str(condition) for name, condition in rule.when.items()}
        click.echo(json.dumps(told))
        return
    from rich.console import Console
    from rich.table import Column, Table

    def limits(rule: Rule) -> str:
        parts = [f"{rule.cooldown_minutes:g} min apart"] if rule.cooldown_minutes else []
        parts += [f"once a {rule.once}"] if rule.once else []
        parts += [f"rests {rule.rest_days:g} days"] if rule.rest_days else []
        return ", ".join([*parts, *([] if rule.nudge else ["outside of the budget"])])

    table = Table(Column("kind", no_wrap=True), "priority", "on", Column("when", no_wrap=True), "how often")
    for rule in rules:
        when = "\n".join(f"{name} {condition}" for name, condition in rule.when.items())
        table.add_row(rule.kind, rule.priority, "\n".join(rule.on), when, limits(rule))
    Console().print(table)


@coach.command("replay", short_help="Play recorded sessions, and see when the coach speaks.")
@click.argument("recordings", nargs=-1, required=True, type=_FILE)
@click.option("--rules", "path", type=_FILE, help="Another file than BONSAI_COACHING_RULES.")
@click.option("--json", "as_json", is_flag=True, help="As JSON Lines, and nothing else on stdout.")
def replay(recordings: tuple[Path, ...], path: Path | None, as_json: bool) -> None:
    """Play recordings (JSON Lines; see `bonsai_coaching.replay`) to the rules: what is said when, and why.

    Exit code 1: something was said that the recording does not expect, or the other way round, or a file is not valid.

    \b
    Example:
      bonsai coach replay plugins/bonsai_coaching/tests/recorded/idle.jsonl
    """
    from bonsai_coaching.replay import Played, RecordingError, play, read_recording

    rules = _coach(path)

    def tell(name: str, played: Played) -> None:
        nudge, expected = played.nudge, played.line.expect
        if as_json:
            said = nudge and {"kind": nudge.kind, "message": nudge.message, "reason": nudge.reason}
            line = {"recording": name, "line": played.number, "at": played.line.at, "said": said, "expected": expected}
            click.echo(json.dumps(line))
            return
        what = f"{nudge.kind}: {nudge.message}\n{'':>12}why: {nudge.reason}" if nudge is not None else "nothing"
        wrong = "" if played.as_expected else click.style(f"  (expected {expected or 'nothing'})", fg="red")
        click.echo(f"{played.line.at:>9.1f} s  {what}{wrong}")

    unexpected = 0
    for recording in recordings:
        try:
            lines = read_recording(recording)
        except RecordingError as error:
            raise click.ClickException(str(error)) from None
        if not as_json:
            click.echo(click.style(recording.name, bold=True))
        for played in play(rules, lines):
            unexpected += not played.as_expected
            if played.nudge is not None or not played.as_expected:
                tell(recording.name, played)
    if unexpected:
        sys.exit(1)


def _coach(path: Path | None) -> Coach:
    from bonsai_coaching.budget import Budget
    from bonsai_coaching.coach import Coach
    from bonsai_coaching.rules import RuleError, read_rules
    from bonsai_coaching.settings import Settings

    try:
        settings = Settings.from_environment()
        return Coach(read_rules(path or settings.rules), Budget(settings.questions_per_nudge))
    except (RuleError, ValueError) as error:
        raise click.ClickException(str(error)) from None
