"""The commands `bonsai doctor` and `bonsai completion`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bonsai_core.doctor import Finding, Level, examine, problem
from bonsai_core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: How each level is marked: where there is Unicode, and where there is none.
_MARKS: dict[Level, tuple[str, str, str]] = {
    "ok": ("✓", "ok", "green"),
    "warning": ("!", "!", "yellow"),
    "problem": ("✗", "X", "red"),
}
_WIDTH = 100
_INDENT = 4


@click.command(short_help="Look for what is wrong, and say what to do.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def doctor(as_json: bool) -> None:
    """Look at settings, tokens, network, storage, plugins and machine, and say what is wrong and what to do.

    It sees what a server started here would see: flags aside, environment and .env. It changes nothing, and shows no
    secret. Exit code 0: nothing has to be mended; 1: something has to.

    \b
    Examples:
      bonsai doctor
      bonsai doctor --json | jq '.findings[] | select(.level != "ok")'
    """
    found = _findings()
    counts = Counter(finding.level for _, finding in found)
    if as_json:
        rows = [{"group": group, **asdict(finding)} for group, finding in found]
        click.echo(json.dumps({"healthy": not counts["problem"], "findings": rows}, indent=2))
    else:
        from rich.console import Console

        terminal = Console(highlight=False, markup=False)
        width = min(terminal.width, _WIDTH) if terminal.is_terminal else _WIDTH
        show(Console(highlight=False, markup=False, width=width), found)
    sys.exit(1 if counts["problem"] else 0)


def _findings() -> list[tuple[str, Finding]]:
    try:
        return list(examine(Settings()))
    except SettingsError as error:
        why = "A server does not start with it; the other checks need settings that make sense."
        return [("Settings", problem(text, why, "`bonsai settings` lists what can be set.")) for text in error.problems]


def show(console: Console, found: Sequence[tuple[str, Finding]]) -> None:
    """Print findings for people: by group, what is wrong with why and what to do."""
    from rich.text import Text

    plain = not (console.encoding or "").lower().startswith("utf")
    arrow = "->" if plain else "→"
    group = None
    for name, finding in found:
        if name != group:
            console.print()
            console.print(Text(name, style="bold"))
            group = name
        unicode_mark, ascii_mark, colour = _MARKS[finding.level]
        mark = ascii_mark if plain else unicode_mark
        weight = "" if finding.level == "ok" else "bold"
        _say(console, Text(f"{mark:>{_INDENT - 1}} ", style=f"{weight} {colour}"), Text(finding.what, style=weight))
        if finding.why:
            _say(console, Text(" " * _INDENT), Text(finding.why, style="dim"))
        if finding.do:
            _say(console, Text(f"{'':{_INDENT}}{arrow} ", style="cyan"), Text(finding.do))
    counts = Counter(finding.level for _, finding in found)
    console.print()
    told = [
        _count(counts["problem"], "problem", "problems", "red"),
        _count(counts["warning"], "warning", "warnings", "yellow"),
    ]
    said = [text for text in told if text is not None]
    console.print(Text(", ").join(said) if said else Text("All is well.", style="bold green"), end="")
    console.print(Text(f"{'; ' if said else ' '}{counts['ok']} in order.", style="dim"))


def _count(count: int, one: str, many: str, colour: str) -> Text | None:
    from rich.text import Text

    return Text(f"{count} {one if count == 1 else many}", style=f"bold {colour}") if count else None


def _say(console: Console, mark: Text, text: Text) -> None:
    """Print a text beside a mark; its further lines stand under its first."""
    from rich.text import Text

    indent = mark.cell_len
    for line in text.wrap(console, console.width - indent):
        line.rstrip()
        console.print(Text.assemble(mark, line), soft_wrap=True)
        mark = Text(" " * indent)


@click.command(short_help="Print the shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, flags and choices of `bonsai`.

    \b
    Examples:
      bonsai completion bash > ~/.local/share/bash-completion/completions/bonsai
      bonsai completion zsh > "${fpath[1]}/_bonsai"
      bonsai completion fish > ~/.config/fish/completions/bonsai.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    root = context.find_root().command
    script = found(root, {}, "bonsai", "_BONSAI_COMPLETE")
    click.echo(script.source_template % script.source_vars())
