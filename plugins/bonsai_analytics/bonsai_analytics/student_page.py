"""The report as one HTML page: plots are HTML and inline SVG, nothing is loaded from elsewhere, and it follows light or
dark and any width.

Every plot is of numbers that the page tells in words, too (`title`, `aria-label`, the values next to it).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from html import escape
from string import Template

from bonsai_analytics.events import Day, PastScore, Progress, Score, SectionScore, SkillProgress
from bonsai_core.domain import DOMAIN_OF_SKILL, DOMAINS

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$user: report</title>
<style>
:root { --ink: #1d2327; --soft: #5c666e; --line: #dde2e6; --card: #fff; --page: #f5f6f7;
  --main: #2f6f4f; --pale: #a9c6b6; --warm: #b3541e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecef; --soft: #9aa5ad; --line: #333b41; --card: #1b2024;
  --page: #121518; --main: #6fbf97; --pale: #37594a; --warm: #e39a6a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem 3rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 780px; margin: auto; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .8rem; }
h3 { font-size: .85rem; font-weight: 400; color: var(--soft); margin: 1.1rem 0 .2rem; }
h2 + h3 { margin-top: 0; }
p { color: var(--soft); margin: .1rem 0 1rem; }
p.note { font-size: .85rem; margin: .9rem 0 0; }
section, .tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.2rem; }
section { margin-top: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; }
.tile span { color: var(--soft); font-size: .85rem; }
.row { display: grid; grid-template-columns: 19rem 1fr auto; gap: 0 1rem; align-items: center; padding: .16rem 0;
  font-size: .88rem; }
.row > span:last-child { color: var(--soft); text-align: right; font-variant-numeric: tabular-nums; min-width: 2.6rem; }
.scores .row { grid-template-columns: 10rem 1fr 9.5rem; } .scores .plot { margin-top: 1.5rem; }
.track { position: relative; height: 18px; }
.track i { position: absolute; top: 50%; transform: translateY(-50%); border-radius: 4px; }
.track .axis { left: 0; right: 0; height: 1px; background: var(--line); }
.track .test { height: 2px; background: var(--pale); }
.track .range { height: 7px; background: var(--pale); }
.track .dot { width: 10px; height: 10px; margin-left: -5px; border-radius: 50%; background: var(--main); }
.track .goal { height: 18px; border-left: 2px dashed var(--warm); border-radius: 0; }
.plot { position: relative; height: 150px; margin: .9rem 0 1.6rem 2.7rem; font-size: .75rem; color: var(--soft); }
.plot .tick { position: absolute; left: 0; right: 0; border-top: 1px solid var(--line); }
.plot .tick span { position: absolute; right: 100%; top: -.75em; padding-right: .5rem; }
.plot .at { position: absolute; top: 100%; padding-top: .3rem; white-space: nowrap; transform: translateX(-50%); }
.plot .at:first-of-type { transform: none; } .plot .at:last-of-type { transform: translateX(-100%); }
.plot .goal { position: absolute; left: 0; right: 0; border-top: 2px dashed var(--warm); color: var(--warm); }
.plot .goal span { position: absolute; left: .4rem; top: .1rem; }
.plot svg { position: absolute; width: 100%; height: 100%; }
.band { fill: var(--pale); opacity: .6; }
.curve { fill: none; stroke: var(--main); stroke-width: 2; vector-effect: non-scaling-stroke; }
.bars { position: absolute; inset: 0; display: flex; align-items: flex-end; }
.bars > i { flex: 1; height: 100%; display: flex; align-items: flex-end; justify-content: center; }
.bars b { width: 76%; display: flex; align-items: flex-end; background: var(--pale); border-radius: 2px 2px 0 0; }
.bars b > i { width: 100%; background: var(--main); border-radius: inherit; }
@media (max-width: 560px) {
  .tiles { grid-template-columns: 1fr 1fr; gap: .7rem; } section, .tile { padding: .9rem 1rem; }
  .row, .scores .row { grid-template-columns: 1fr auto; padding: .3rem 0; }
  .row .track { grid-column: 1 / -1; grid-row: 2; }
}
</style>
</head>
<body><main>
<h1>$user</h1>
<p>$span</p>
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


def _section(title: str, body: str, note: str, kind: str = "") -> str:
    return f'<section class="{kind}"><h2>{escape(title)}</h2>{body}<p class="note">{escape(note)}</p></section>'


# Practice and past scores: plots with axes


def _plot(label: str, ticks: Sequence[tuple[int, float]], days: Sequence[tuple[str, float]], body: str) -> str:
    """A plot with its axes.

    Args:
        ticks: values of the vertical axis, and where they are, from 0 (below) to 1.
        days: the same of the horizontal one, from 0 (left) to 1.
    """
    lines = "".join(f'<div class="tick" style="bottom:{at:.2%}"><span>{value}</span></div>' for value, at in ticks)
    names = "".join(f'<span class="at" style="left:{at:.2%}">{escape(name)}</span>' for name, at in days)
    return f'<div class="plot" role="img" aria-label="{escape(label)}">{lines}{body}{names}</div>'


def _practice(days: Sequence[Day]) -> str:
    most = max((day.answered for day in days), default=0)
    step = _step(most)
    most = max(step * -(-most // step), step)
    bars = []
    for day in days:
        title = f"{_day(day.date)}: {day.answered} answers, {day.correct} right"
        part = day.correct / day.answered if day.answered else 0.0
        bar = f'<b style="height:{day.answered / most:.2%}"><i style="height:{part:.2%}"></i></b>'
        bars.append(f'<i title="{escape(title)}">{bar if day.answered else ""}</i>')
    named = sorted({round((len(days) - 1) * part / 4) for part in range(5)}) if days else []
    names = [(_day(days[n].date), (n + 0.5) / len(days)) for n in named]
    ticks = [(tick, tick / most) for tick in range(0, most + 1, step)]
    plot = _plot("Answers by day", ticks, names, f'<div class="bars">{"".join(bars)}</div>')
    return _section("Practice", plot, "Answers by day; the full colour is what was right.")


def _history(past: Sequence[PastScore], goal: int | None) -> str:
    values = [v for p in past for v in (p.low, p.high)] + ([goal] if goal is not None else [])
    least, most = max(400, min(values) // 100 * 100), min(1600, -(-max(values) // 100) * 100)
    most = max(most, least + 100)
    begin, end = past[0].at, max(past[-1].at, past[0].at + 1)

    def at(score: float) -> float:
        return (score - least) / (most - least)

    def points(scores: Sequence[tuple[int, float]]) -> str:
        return " ".join(
            f"{100 * (at_ - begin) / (end - begin):.2f},{100 - 100 * at(score):.2f}" for at_, score in scores
        )

    band = points([(p.at, p.high) for p in past] + [(p.at, p.low) for p in reversed(past)])
    curve = points([(p.at, p.total) for p in past])
    body = (
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none">'
        f'<polygon class="band" points="{band}"/><polyline class="curve" points="{curve}"/></svg>'
    )
    if goal is not None:
        body += f'<div class="goal" style="bottom:{at(goal):.2%}"><span>goal {goal}</span></div>'
    ticks = [(tick, at(tick)) for tick in range(least, most + 1, 100 if most - least <= 600 else 200)]
    days = [
        (_day(datetime.fromtimestamp(moment / 1000, UTC).date().isoformat()), place)
        for moment, place in ((begin, 0.0), (end, 1.0))
    ]
    return _plot("Predicted total over time, with its 80 % interval", ticks, days, body)


# Scores and skills: rows with an interval each


def _row(
    name: str, value: str, parts: Sequence[tuple[str, float, float]], dot: float, goal: float | None = None
) -> str:
    """A name, intervals with a dot on an axis, and the value in words.

    Args:
        parts: class, lower and upper end of each interval, in parts of the axis.
    """
    ranges = "".join(f'<i class="{kind}" style="left:{a:.2%};width:{b - a:.2%}"></i>' for kind, a, b in parts)
    aim = f'<i class="goal" style="left:{goal:.2%}" title="goal"></i>' if goal is not None else ""
    track = f'<div class="track"><i class="axis"></i>{ranges}{aim}<i class="dot" style="left:{dot:.2%}"></i></div>'
    return f'<div class="row"><span>{escape(name)}</span>{track}<span>{escape(value)}</span></div>'


def _scores(score: Score, past: Sequence[PastScore], goal: int | None) -> str:
    rows = [] if score.total is None else [_score_row("Total", score.total, score, 400, 1600, goal)]
    rows += [_score_row(name, section.score, section, 200, 800) for name, section in score.sections.items()]
    body = "".join(rows)
    if len(past) > 1 and score.total is not None:
        body += _history(past, goal)
    note = (
        "Predicted from the answers so far. The range holds your true score, the average of very many tests taken now, "
        "with a chance of 80 %; the thin line one test taken now, with its luck. By the scoring tables of published "
        "practice tests 4 to 8 (linear paper form)."
    )
    return _section("Predicted score", body, note, "scores")


def _score_row(
    name: str, value: int, told: Score | SectionScore, least: int, most: int, goal: int | None = None
) -> str:
    def at(score: int | None) -> float:
        return ((score or least) - least) / (most - least)

    parts = [("test", at(told.test_low), at(told.test_high)), ("range", at(told.low), at(told.high))]
    words = f"{value} ({told.low} to {told.high})"
    return _row(name, words, parts, at(value), at(goal) if goal is not None else None)


def _skills(skills: dict[str, SkillProgress]) -> str:
    groups: dict[str, list[str]] = {domain.name: [] for domain in DOMAINS}
    groups["Other skills"] = []
    for name in sorted(skills, key=lambda name: (skills[name].mastery, name)):
        domain = DOMAIN_OF_SKILL.get(name)
        groups[domain.name if domain else "Other skills"].append(name)
    parts = []
    for group, names in groups.items():
        parts += [f"<h3>{escape(group)}</h3>"] if names else []
        for name in names:
            skill = skills[name]
            title = f"{skill.low:.0%} to {skill.high:.0%}; {skill.correct} of {skill.answered} right"
            row = _row(name, f"{skill.mastery:.0%}", [("range", skill.low, skill.high)], skill.mastery)
            parts.append(f'<div title="{escape(title)}">{row}</div>')
    note = "The chance of a right answer to a question of band 4, with its 80 % interval; in each group weakest first."
    return _section("Skills", "".join(parts), note)


def _step(most: int) -> int:
    """Distance of an axis' ticks, so that there are two to five."""
    step = 1
    while most / step > 5:
        step *= 5 if str(step)[0] == "1" and most / (step * 2) > 5 else 2
    return step


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b}"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
