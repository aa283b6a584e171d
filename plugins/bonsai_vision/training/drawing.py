"""Draws how well the classifier does: reliability of its confidence, and what it confuses, as one SVG."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
from bonsai_vision.classify import CLASSES
from measures import levels, told
from texts import UNKNOWN

COLORS = {"section": "#1f5fbf", "domain": "#0b6e4f", "skill": "#b3541e"}


def _reliability(shares: np.ndarray, labels: np.ndarray, size: int) -> list[str]:
    made = [
        f'<rect width="{size}" height="{size}" fill="none" stroke="#999"/><path d="M0 {size}L{size} 0" stroke="#bbb"/>'
    ]
    for row, (level, (choice, sure)) in enumerate(levels(shares).items()):
        right = choice == told(labels, level)
        at = np.minimum((sure * 10).astype(int), 9)
        points = [(sure[at == b].mean(), right[at == b].mean()) for b in range(10) if (at == b).sum() >= 20]
        path = "L".join(f"{x * size:.1f} {(1 - y) * size:.1f}" for x, y in points)
        made.append(f'<path d="M{path}" fill="none" stroke="{COLORS[level]}" stroke-width="2"/>')
        made.append(f'<text x="{size + 8}" y="{20 * row + 14}" fill="{COLORS[level]}">{level}</text>')
    made.append(f'<text x="{size / 2}" y="{size + 18}" text-anchor="middle">confidence</text>')
    made.append(f'<text x="-8" y="{size / 2}" text-anchor="end">right</text>')
    return made


def _confusion(shares: np.ndarray, labels: np.ndarray, cell: int) -> list[str]:
    choice = levels(shares)["skill"][0]
    said = np.where(choice < 0, UNKNOWN, choice)
    counts = np.zeros((UNKNOWN + 1, UNKNOWN + 1))
    np.add.at(counts, (labels, said), 1)
    counts /= counts.sum(1, keepdims=True)
    made = []
    for row, name in enumerate(CLASSES):
        short = html.escape(name if len(name) < 42 else name[:40] + "…")
        made.append(f'<text x="-6" y="{row * cell + cell - 5}" text-anchor="end">{short}</text>')
        for column in range(UNKNOWN + 1):
            share = counts[row, column]
            if share < 0.005:
                continue
            fill = f"rgba({'11,110,79' if row == column else '161,18,58'},{max(share, 0.12):.2f})"
            made.append(f'<rect x="{column * cell}" y="{row * cell}" width="{cell}" height="{cell}" fill="{fill}"/>')
            made.append(
                f'<text x="{column * cell + cell / 2}" y="{row * cell + cell - 5}" text-anchor="middle" font-size="8">'
                f"{100 * share:.0f}</text>"
            )
    return made


def draw(path: Path, shares: np.ndarray, labels: np.ndarray) -> None:
    """Write the figure: rows are the right skills, columns the answers in the same order, numbers percents of a row."""
    cell, size = 20, 260
    width, height = 300 + cell * (UNKNOWN + 2), 20 + cell * (UNKNOWN + 2) + size + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="11"',
        ' font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<g transform="translate(280,20)">{"".join(_confusion(shares, labels, cell))}</g>',
        f'<g transform="translate(280,{40 + cell * (UNKNOWN + 2)})">{"".join(_reliability(shares, labels, size))}</g>',
        "</svg>",
    ]
    path.write_text("\n".join(parts) + "\n")
