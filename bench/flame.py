"""A flame graph of the event path, of what py-spy has sampled: `python -m bench.flame RAW.txt PICTURE.png`.

Take the samples of a server under load with `py-spy record --format raw --rate 400 --duration 10 --output RAW.txt --pid
PID` (py-spy from PyPI). Only the event loop's thread is drawn: py-spy takes other threads' waiting for work.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bench.plot import pyplot
from bench.servers import NoPeer

#: What every stack of the loop's thread has, and what is drawn begins after it.
_LOOP = "run (uvloop"
_FRAME = re.compile(r"(?P<name>.+?) \((?P<file>[^)]*?)(?::\d+)?\)$")
#: Narrower boxes are left out, as a share of the whole.
_LEAST = 0.004
_COLOURS = {"bonsai_core": "#7fb7a3", "bench": "#e8b04b", "pydantic": "#d98a73"}
_OTHERS = "#b9c0cb"


@dataclass
class Box:
    """A function in one place of the stack: how many samples, and what it called."""

    count: int = 0
    calls: dict[str, Box] = field(default_factory=dict)


def read(text: str) -> Box:
    """The stacks of the loop's thread as a tree, lines of a function taken together.

    Raises:
        ValueError: it has none, or is not py-spy's raw format.
    """
    root = Box()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        begin = next((place for place, frame in enumerate(frames) if frame.startswith(_LOOP)), None)
        if begin is None or not count.isdigit():
            continue
        box = root
        box.count += int(count)
        for frame in frames[begin + 2 :]:  # after asyncio's own runner
            found = _FRAME.match(frame)
            name = f"{found['name']}|{found['file']}" if found else f"{frame}|"
            box = box.calls.setdefault(name, Box())
            box.count += int(count)
    if not root.count:
        raise ValueError("there is no sample of a uvloop in it")
    return root


def draw(root: Box, path: Path, title: str) -> None:
    """Draw the tree.

    Raises:
        NoPeer: matplotlib cannot be had.
    """
    plt = pyplot()
    depth = _depth(root, root.count)
    figure, axes = plt.subplots(figsize=(15, 1.2 + 0.42 * depth), dpi=110, layout="constrained")
    axes.set_xlim(0, root.count)
    axes.set_ylim(0, depth)
    axes.axis("off")
    axes.set_title(title, loc="left", fontsize=12)
    _boxes(axes, root, 0.0, 0, root.count)
    inside = sum(box.count for box in root.calls.values())
    share = 1 - inside / root.count
    axes.text(
        inside + 0.004 * root.count, 0.4, f"the loop itself: reading sockets, {share:.0%}", fontsize=9, va="center"
    )
    figure.savefig(path)
    plt.close(figure)


def _depth(box: Box, whole: int) -> int:
    return max((1 + _depth(call, whole) for call in box.calls.values() if call.count >= _LEAST * whole), default=0)


def _boxes(axes: Any, box: Box, left: float, level: int, whole: int) -> None:
    for name, call in sorted(box.calls.items(), key=lambda item: -item[1].count):
        if call.count < _LEAST * whole:
            continue
        function, _, file = name.partition("|")
        colour = next((colour for part, colour in _COLOURS.items() if part in file), _OTHERS)
        axes.barh(
            level, call.count, left=left, height=0.92, align="edge", color=colour, edgecolor="white", linewidth=0.7
        )
        share = call.count / whole
        text = f"{function} {share:.0%}" if share > 0.09 else function
        fits = int(share * 205)
        if fits > 4:
            shown = text if len(text) <= fits else text[: fits - 1] + "…"
            axes.text(left + 0.001 * whole, level + 0.45, shown, fontsize=8, va="center", clip_on=True)
        _boxes(axes, call, left, level + 1, whole)
        left += call.count


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("raw", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("picture", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--title", default="Where the event loop's thread spends its time", show_default=True)
def main(raw: Path, picture: Path, title: str) -> None:
    """Draw py-spy's raw samples RAW as a flame graph, PICTURE (.png or .svg)."""
    try:
        draw(read(raw.read_text()), picture, title)
    except (ValueError, NoPeer) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"drawn in {picture}")


if __name__ == "__main__":
    sys.exit(main())
