"""Pictures of results, by matplotlib, which is installed with the peers: `python -m bench.plot RESULT.json`."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench import install
from bench.rows import NAMES, ROWS
from bench.servers import NoPeer

_GOOD, _BAD, _PLAIN, _INK = "#2a7f62", "#c2513b", "#8a93a3", "#1f2733"


def pyplot() -> Any:
    """matplotlib's pyplot, drawing into files.

    Raises:
        NoPeer: it cannot be had.
    """
    folder = str(install.python())
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.import_module("matplotlib").use("Agg")
    return importlib.import_module("matplotlib.pyplot")


def _bars(figures: dict[str, dict[str, dict[str, Any]]]) -> list[tuple[str, float, float | None, str]]:
    """Of each row: its label, our figure over the other's or over the limit, the goal, and what is written beside."""
    bars = []
    for work, servers in figures.items():
        row = ROWS[work]
        for who, entry in servers.items():
            if ratio := entry.get("oursTimes"):
                goal = ratio.get("goal")
                text = f"{ratio['median']:.2f} x" + (f"   (goal {goal:g} x)" if goal is not None else "")
                bars.append((f"{row.title}\nnext to {NAMES[who]}", ratio["median"], goal, text))
            elif limit := entry.get("goal"):
                unit = row.unit
                shown = f"{entry['median'] / unit.scale:.1f} of {limit / unit.scale:g} {unit.short}"
                bars.append((row.title, entry["median"] / limit, 1.0, shown))
    return bars


def ratios(result: dict[str, Any], path: Path) -> Path:
    """Draw what we cost next to the others, with the goals; returns `path`.

    Raises:
        NoPeer: matplotlib cannot be had.
    """
    plt = pyplot()
    bars = _bars(result["figures"])
    figure, axes = plt.subplots(figsize=(11, 1.2 + 0.5 * len(bars)), dpi=110, layout="constrained")
    for place, (_, value, goal, text) in enumerate(bars):
        color = _PLAIN if goal is None else _GOOD if value <= goal else _BAD
        axes.barh(place, value, height=0.62, color=color)
        if goal is not None:
            axes.plot([goal, goal], [place - 0.42, place + 0.42], color=_INK, linewidth=2)
        axes.annotate(
            text,
            (max(value, goal or 0.0), place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.set_yticks(range(len(bars)), [label for label, *_ in bars], fontsize=8.5)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xscale("log")
    lows, highs = [value for _, value, *_ in bars], [max(value, goal or 0.0) for _, value, goal, _ in bars]
    axes.set_xlim(min([0.3, *(low / 1.2 for low in lows)]), max([2.0, *highs]) * 3)
    axes.set_xticks([tick for tick in (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32) if tick <= max([2.0, *highs]) * 2])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} x")
    axes.xaxis.set_minor_locator(importlib.import_module("matplotlib.ticker").NullLocator())
    axes.axvline(1.0, color=_INK, linewidth=0.8, linestyle=":")
    axes.spines[["top", "right"]].set_visible(False)
    taken = str(result["taken"])[:16].replace("T", " ")
    title = f"Bonsai's figure over the other's, medians; the line is the goal, grey has none ({taken})"
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("less is better (logarithmic)")
    figure.savefig(path)
    plt.close(figure)
    return path


def lines(series: Sequence[tuple[str, Sequence[float], Sequence[float]]], title: str, path: Path) -> Path:
    """Draw values over time, one panel each; returns `path`.

    Args:
        series: of each panel its label, the times in minutes, and the values.

    Raises:
        NoPeer: matplotlib cannot be had.
    """
    plt = pyplot()
    figure, panels = plt.subplots(
        len(series), 1, figsize=(10, 2.1 * len(series) + 0.8), dpi=110, sharex=True, layout="constrained"
    )
    for axes, (label, times, values) in zip(panels, series, strict=True):
        axes.plot(times, values, color=_GOOD, linewidth=1.6)
        axes.set_ylabel(label, fontsize=9)
        axes.set_ylim(0, max([*values, 1.0]) * 1.15)
        axes.grid(axis="y", color="#e3e6ea")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("minutes")
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    figure.savefig(path)
    plt.close(figure)
    return path


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("result", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where to draw it; default: beside the result.")
def main(result: Path, out: Path | None) -> None:
    """Draw a result of `python -m bench` once more."""
    try:
        told = json.loads(result.read_text())
        print(ratios(told, out or result.with_suffix(".png")))
    except (ValueError, KeyError, NoPeer) as error:
        raise click.ClickException(f"{result} cannot be drawn: {type(error).__name__}: {error}") from None


if __name__ == "__main__":
    main()
