"""The report as one HTML page: plots are inline SVG, nothing is loaded from elsewhere, and it follows light or dark.

Every plot is of numbers that the page tells in words, too (`title`, `aria-label`, the table of skills).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from html import escape
from string import Template

from bonsai_analytics.events import Day, PastScore, Progress, Score, SkillProgress
from bonsai_core.domain import DOMAIN_OF_SKILL, DOMAINS

WIDTH = 720
LEFT, RIGHT = 44, 12

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$user: report</title>
<style>
:root { --ink: #1d2327; --soft: #5c666e; --line: #dde2e6; --card: #fff; --page: #f5f6f7;
  --main: #2f6f4f; --band: #2f6f4f33; --warm: #b3541e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecef; --soft: #9aa5ad; --line: #333b41; --card: #1b2024;
  --page: #121518; --main: #6fbf97; --band: #6fbf9738; --warm: #e39a6a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 780px; margin: auto; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
p.sub, .note { color: var(--soft); margin: .1rem 0 1rem; }
.note { font-size: .85rem; margin: .6rem 0 0; }
section, .tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.2rem; }
section { margin-top: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1rem; margin-top: 1rem; }
.tile b { display: block; font-size: 1.7rem; line-height: 1.2; }
.tile span { color: var(--soft); font-size: .85rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .name { fill: var(--ink); }
.axis { stroke: var(--line); }
.bar { fill: var(--main); opacity: .35; } .bar.right { opacity: 1; }
.band { fill: var(--band); } .curve { fill: none; stroke: var(--main); stroke-width: 2; }
.dot { fill: var(--main); } .range { stroke: var(--main); stroke-width: 7; stroke-linecap: round; opacity: .35; }
.goal { stroke: var(--warm); stroke-dasharray: 5 4; } svg .goaltext { fill: var(--warm); }
</style>
</head>
<body><main>
<h1>$user</h1>
<p class="sub">$span</p>
<div class="tiles">$tiles</div>
$sections
</main></body></html>
""")


def page(user: str, progress: Progress) -> str:
    """The page of a student's report."""
    days = progress.days
    span = f"{_day(days[0].date)} to {_day(days[-1].date)}" if days else ""
    sections = [_practice(days)]
    if progress.score is not None:
        sections.append(_scores(progress.score, progress.scores, progress.goal.total))
    if progress.skills:
        sections.append(_skills(progress.skills))
    return _PAGE.substitute(user=escape(user), span=escape(span), tiles=_tiles(progress), sections="\n".join(sections))


def _tiles(progress: Progress) -> str:
    totals, goal, score = progress.totals, progress.goal, progress.score
    tiles = [
        (f"{totals.answered:,}", "answers"),
        (f"{totals.accuracy:.0%}", "right"),
        (_duration(totals.seconds), "on questions"),
    ]
    if score is not None and score.total is not None:
        tiles.append((str(score.total), f"predicted total, {score.low} to {score.high}"))
    if goal.total is not None:
        chance = f", chance now {goal.chance:.0%}" if goal.chance is not None else ""
        tiles.append((str(goal.total), f"goal{chance}"))
    if goal.per_week is not None:
        tiles.append((f"{goal.this_week} / {goal.per_week}", "answers this week"))
    return "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in tiles
    )


def _section(title: str, body: str, note: str = "") -> str:
    told = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{body}{told}</section>"


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _practice(days: Sequence[Day]) -> str:
    height, base, top = 170, 140, 12
    most = max((day.answered for day in days), default=0)
    step = _step(most)
    most = max(step * -(-most // step), step)
    parts = []
    for tick in range(0, most + 1, step):
        y = base - (base - top) * tick / most
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>')
    room = (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    every = max(1, -(-len(days) // 8))
    for number, day in enumerate(days):
        x, width = LEFT + number * room, max(room * 0.78, 1)
        title = f"<title>{_day(day.date)}: {day.correct} of {day.answered} right</title>"
        for value, kind in ((day.answered, "bar"), (day.correct, "bar right")):
            if value:
                tall = (base - top) * value / most
                parts.append(
                    f'<rect class="{kind}" x="{x + (room - width) / 2:.1f}" y="{base - tall:.1f}" width="{width:.1f}" '
                    f'height="{tall:.1f}" rx="{min(2, width / 3):.1f}">{title}</rect>'
                )
        if (len(days) - 1 - number) % every == 0:
            parts.append(
                f'<text x="{min(x + room / 2, WIDTH - RIGHT - 18):.1f}" y="{base + 20}" text-anchor="middle">'
                f"{_day(day.date)}</text>"
            )
    return _section(
        "Practice", _svg(height, "Answers by day", parts), "Answers by day; the full colour is what was right."
    )


def _scores(score: Score, past: Sequence[PastScore], goal: int | None) -> str:
    rows = [] if score.total is None else [("Total", score.total, score.low or 0, score.high or 0, 400, 1600, goal)]
    rows += [(name, s.score, s.low, s.high, 200, 800, None) for name, s in score.sections.items()]
    parts, name_width, value_width = [], 160, 130
    left, right = name_width, WIDTH - value_width
    for number, (name, value, low, high, least, most, aim) in enumerate(rows):
        y = 20 + 34 * number
        at = [left + (right - left) * (v - least) / (most - least) for v in (low, value, high)]
        parts.append(f'<text class="name" x="0" y="{y + 4}">{escape(name)}</text>')
        parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<line class="range" x1="{at[0]:.1f}" x2="{at[2]:.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="dot" cx="{at[1]:.1f}" cy="{y}" r="5"/>')
        parts.append(f'<text x="{WIDTH}" y="{y + 4}" text-anchor="end">{value} ({low} to {high})</text>')
        if aim is not None:
            x = left + (right - left) * (aim - least) / (most - least)
            parts.append(
                f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 12}" y2="{y + 12}"><title>goal</title></line>'
            )
    body = _svg(34 * len(rows) + 8, "Predicted scores with 80 % intervals", parts)
    if len(past) > 1 and score.total is not None:
        body += _history(past, goal)
    note = (
        "Predicted from the answers so far for a test taken now, with 80 % intervals, by the scoring tables of "
        "published practice tests 4 to 8 (linear paper form)."
    )
    return _section("Predicted score", body, note)


def _history(past: Sequence[PastScore], goal: int | None) -> str:
    height, base, top = 190, 160, 12
    values = [v for p in past for v in (p.low, p.high)] + ([goal] if goal is not None else [])
    least, most = max(400, min(values) // 100 * 100), min(1600, -(-max(values) // 100) * 100)
    most = max(most, least + 100)
    begin, end = past[0].at, max(past[-1].at, past[0].at + 1)

    def x(at: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - begin) / (end - begin)

    def y(value: float) -> float:
        return base - (base - top) * (value - least) / (most - least)

    parts = []
    for tick in range(least, most + 1, 100 if most - least <= 600 else 200):
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    upper = [f"{x(p.at):.1f},{y(p.high):.1f}" for p in past]
    lower = [f"{x(p.at):.1f},{y(p.low):.1f}" for p in reversed(past)]
    parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
    parts.append(f'<polyline class="curve" points="{" ".join(f"{x(p.at):.1f},{y(p.total):.1f}" for p in past)}"/>')
    if goal is not None:
        parts.append(f'<line class="goal" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(goal):.1f}" y2="{y(goal):.1f}"/>')
        parts.append(f'<text class="goaltext" x="{LEFT + 4}" y="{y(goal) - 5:.1f}">goal {goal}</text>')
    for at, anchor in ((begin, "start"), (end, "end")):
        day = datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
        parts.append(f'<text x="{x(at):.1f}" y="{base + 20}" text-anchor="{anchor}">{_day(day)}</text>')
    return _svg(height, "Predicted total over time, with its 80 % interval", parts)


def _skills(skills: dict[str, SkillProgress]) -> str:
    groups: dict[str, list[str]] = {domain.name: [] for domain in DOMAINS}
    groups["Other skills"] = []
    for name in sorted(skills, key=lambda name: (skills[name].mastery, name)):
        domain = DOMAIN_OF_SKILL.get(name)
        groups[domain.name if domain else "Other skills"].append(name)
    parts: list[str] = []
    left, right, y = 330, WIDTH - 60, 0
    for group, names in groups.items():
        if not names:
            continue
        if any(other and other is not names for other in groups.values()):
            y += 16 if not y else 34
            parts.append(f'<text x="0" y="{y}">{escape(group)}</text>')
        for name in names:
            skill = skills[name]
            y += 22
            at = [left + (right - left) * v for v in (skill.low, skill.mastery, skill.high)]
            title = (
                f"<title>{escape(name)}: {skill.mastery:.0%} ({skill.low:.0%} to {skill.high:.0%}), "
                f"{skill.correct} of {skill.answered} right</title>"
            )
            parts.append(f"<g>{title}")
            parts.append(f'<text class="name" x="12" y="{y + 4}">{escape(_short(name))}</text>')
            parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
            parts.append(f'<line class="range" x1="{at[0]:.1f}" x2="{at[2]:.1f}" y1="{y}" y2="{y}"/>')
            parts.append(f'<circle class="dot" cx="{at[1]:.1f}" cy="{y}" r="4.5"/>')
            parts.append(f'<text x="{WIDTH}" y="{y + 4}" text-anchor="end">{skill.mastery:.0%}</text></g>')
    for tick in (0, 0.5, 1):
        x = left + (right - left) * tick
        parts.append(f'<text x="{x:.1f}" y="{y + 28}" text-anchor="middle">{tick:.0%}</text>')
    note = "The chance of a right answer to a question of band 4, with its 80 % interval; weakest first."
    return _section("Skills", _svg(y + 36, "Mastery by skill", parts), note)


def _step(most: int) -> int:
    """Distance of an axis' ticks, so that there are two to five."""
    step = 1
    while most / step > 5:
        step *= 5 if str(step)[0] == "1" and most / (step * 2) > 5 else 2
    return step


def _short(name: str) -> str:
    return name if len(name) <= 47 else name[:45].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b}"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
