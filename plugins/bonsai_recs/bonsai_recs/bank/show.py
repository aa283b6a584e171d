"""Questions and banks as people look at them in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bonsai_core.domain import BANDS, SKILLS, Question


def summary(items: Sequence[Question]) -> dict[str, Any]:
    """How many questions a bank holds, by skill and band."""
    skills: dict[str, dict[str, Any]] = {}
    for skill in SKILLS:
        of_skill = [item for item in items if item.skill == skill]
        bands = Counter(item.band for item in of_skill)
        skills[skill] = {
            "questions": len(of_skill),
            "typed": sum(not item.choices for item in of_skill),
            "figures": sum(item.figure is not None for item in of_skill),
            "bands": {str(band): bands[band] for band in BANDS},
        }
    return {"questions": len(items), "skills": skills}


def print_summary(items: Sequence[Question]) -> None:
    """A table of what a bank holds."""
    table = Table(title=f"{len(items)} questions by difficulty band", box=None, pad_edge=False)
    table.add_column("Skill", overflow="fold")
    for column in ("All", "Typed", "Figure", *map(str, BANDS)):
        table.add_column(column, justify="right", no_wrap=True)
    for skill, row in summary(items)["skills"].items():
        cells = (row["questions"], row["typed"], row["figures"], *row["bands"].values())
        table.add_row(skill, *(str(cell) if cell else "·" for cell in cells))
    Console().print(table)


def print_questions(items: Sequence[Question]) -> None:
    """Questions with their answers, explanations and hints."""
    console = Console(highlight=False)
    for item in items:
        parts: list[Text] = []
        if item.passage:
            parts.append(Text(item.passage + "\n", style="italic"))
        if item.figure:
            parts.append(Text("[a figure]\n", style="dim"))
        parts.append(Text(item.stem + "\n", style="bold"))
        for choice in item.choices:
            right = choice.key in item.answers
            parts.append(Text(f"{choice.key}  {choice.text}", style="green" if right else ""))
            if choice.misconception:
                parts.append(Text(f"   {choice.misconception}", style="dim"))
        if not item.choices:
            parts.append(Text("answer: " + " or ".join(item.answers), style="green"))
        parts.append(Text(f"\n{item.rationale}"))
        parts += [Text(f"hint {rung}: {hint}", style="cyan") for rung, hint in enumerate(item.hints, start=1)]
        parts.append(Text(f"strategy: {item.strategy}", style="magenta"))
        subtitle = f"{item.skill}, band {item.band}, {item.expected_seconds:g} s"
        console.print(Panel(Group(*parts), title=item.id, subtitle=subtitle, width=min(console.width, 100)))
