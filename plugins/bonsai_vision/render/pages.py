"""Page styles of the test screenshots: where a question stands on its page, and everything around it.

Every style is a function of a `Look` (drawn from a seed) and the question's HTML. A region with the class `view` clips
its content, as a scrolled page does; `scroll` marks the box that a cut moves up.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from content import Pieces, choices

SERIF = ("Liberation Serif", "DejaVu Serif", "Noto Serif", "TeX Gyre Termes", "Source Serif 4", "Gelasio")
SANS = (
    *("Liberation Sans", "DejaVu Sans", "DejaVu Sans Condensed", "Noto Sans", "Roboto", "Open Sans", "Lato"),
    *("Carlito", "Cantarell", "Inter"),
)
MONO = ("Liberation Mono", "DejaVu Sans Mono", "Noto Sans Mono")


@dataclass
class Look:
    """How one screenshot looks.

    Attributes:
        zoom: of the browser, 0.75 to 2; or the scale of a phone's screen.
        chrome: whether the browser's tabs and address bar are drawn.
        cut: `no`, `top` (scrolled into the passage) or `bottom` (the last choices are off the page).
    """

    style: str
    font: str
    size: float
    letters: str
    width: int
    height: int
    zoom: float
    chrome: bool
    dark: bool
    cut: str
    format: str
    quality: int
    typeset: bool
    number: int
    accent: str
    ink: str = "#1a1a1a"
    paper: str = "#ffffff"
    section: str = ""

    def record(self) -> dict[str, Any]:
        """What the truth file says about the style."""
        return asdict(self)


STYLES = ("bluebook", "website", "dark", "phone", "pdf", "chat", "faint", "typewriter", "card", "split")
_ACCENTS = ("#1f5fbf", "#0b6e4f", "#7a2e8d", "#b3541e", "#324dc7", "#a1123a")


def draw_look(rng: random.Random, style: str, fonts: dict[str, list[str]], *, cut: str = "no") -> Look:
    """A look of a style, drawn from `rng`; `fonts` are the installed families of each class."""
    family = {"bluebook": "serif", "pdf": "serif", "typewriter": "mono", "phone": "sans", "card": "sans"}.get(style)
    zoom = rng.choice([0.75, 0.8, 0.9, 1.0, 1.0, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0])
    width, height = rng.choice([(1280, 720), (1366, 768), (1440, 810), (1536, 864), (1920, 1080)])
    look = Look(
        style=style,
        font=rng.choice(fonts[family or rng.choice(["serif", "sans", "sans"])]),
        size=rng.choice([16, 16, 17, 18, 19]),
        letters=rng.choice(["circle", "paren", "dot", "both", "box", "radio"]),
        width=round(width / zoom) if style != "phone" else 390,
        height=round(height / zoom) if style != "phone" else 760,
        zoom=zoom if style != "phone" else rng.choice([2.0, 2.0, 3.0]),
        chrome=style not in {"phone", "bluebook"} and rng.random() < 0.5,
        dark=style == "dark" or (style in {"phone", "chat"} and rng.random() < 0.25),
        cut=cut,
        format=rng.choice(["png", "png", "jpg", "jpg", "webp"]),
        quality=rng.choice([40, 50, 60, 70, 80, 90]),
        typeset=rng.random() < 0.5,
        number=rng.randint(1, 27),
        accent=rng.choice(_ACCENTS),
    )
    if style in {"bluebook", "split"}:
        look.letters = "circle" if style == "bluebook" else look.letters
        look.width = max(look.width, 980)
    if look.dark:
        look.paper, look.ink = rng.choice([("#121212", "#e6e6e6"), ("#1e2430", "#dfe5ef"), ("#000000", "#f2f2f2")])
    if style == "faint":
        look.paper, look.ink = rng.choice([("#fafafa", "#8a8a8a"), ("#f3efe4", "#8c7f68"), ("#e9eef5", "#7d8794")])
    if look.format == "png":
        look.quality = 100
    return look


_CSS = (Path(__file__).parent / "pages.css").read_text()


def _chrome(look: Look, rng: random.Random) -> str:
    if not look.chrome:
        return ""
    tabs = rng.sample(["Practice - Question", "Inbox (3)", "Maps", "My courses", "Video - lo-fi beats", "New tab"], 3)
    shown = "".join(f"<div class='tab {'on' if not at else ''}'>{name}  ×</div>" for at, name in enumerate(tabs))
    url = rng.choice(["https://practice.example.org/set/4/question/", "https://learn.example.com/quiz?id="])
    return (
        f"<div class='ui tabs'>{shown}<div>+</div></div>"
        "<div class='ui address'><span>←</span><span>→</span><span>⟳</span>"
        f"<div class=url>{url}{look.number}</div></div>"
    )


def _ad(rng: random.Random) -> str:
    slogans = (
        "Summer tutoring sale<br><b>Save 20% today</b>",
        "New backpacks are here<br><b>Shop now</b>",
        "Try the city bike pass<br><b>First month free</b>",
    )
    return f"<div class='ui ad'>{rng.choice(slogans)}</div>"


def _side(rng: random.Random) -> str:
    names = ["Home", "My progress", "Practice tests", "Flashcards", "Leaderboard", "Settings", "Help center", "Log out"]
    return (
        "<div class='ui side'>" + "".join(f"<div>{name}</div>" for name in rng.sample(names, 6)) + _ad(rng) + "</div>"
    )


def _whole(pieces: Pieces, answers: str) -> str:
    return pieces.passage + pieces.figure + pieces.stem + answers


def _bluebook(look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    name = f"Section {2 if look.section == 'Math' else 1}, Module {rng.choice([1, 2])}: {look.section}"
    clock = f"{rng.randint(3, 34)}:{rng.randint(10, 59)}"
    head = (
        f"<div class='ui exam'><div><b>{name}</b><br>Directions ⌄</div><div class=clock><b>{clock}</b><br>"
        "<small>Hide</small></div><div>Highlights & Notes &nbsp; More</div></div>"
    )
    mark = f"<div class='ui mark'><b>{look.number}</b><span>Mark for Review</span><span class=abc>ABC</span></div>"
    foot = (
        f"<div class='ui exam foot'><b>Ana Rivera</b><span class=pill>Question {look.number} of 27</span>"
        "<span class=next>Next</span></div>"
    )
    asked = f"<div class=boxed>{mark}{pieces.stem}{answers}</div>"
    if not (pieces.passage or pieces.figure):
        return f"{head}<div class='view middle'><div class=scroll>{asked}</div></div>{foot}"
    left = f"<div class='view column'><div class=scroll>{pieces.passage}{pieces.figure}</div></div>"
    right = f"<div class='view column'>{asked}</div>"
    return f"{head}<div class=row>{left}<div class=rule></div>{right}</div>{foot}"


def _website(look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    names = (
        "<b>PrepGarden</b><span>Courses</span><span>Practice</span><span>Community</span><span class=end>Sign in</span>"
    )
    crumb = f"<div class='ui crumb'>Practice set 4 › Question {look.number}</div>"
    main = (
        f"<div class='view site'><div class='scroll {rng.choice(['boxed', ''])}'>{crumb}{_whole(pieces, answers)}"
        "<button class=ui>Check answer</button></div></div>"
    )
    columns = [_side(rng), main]
    rng.shuffle(columns)
    return f"<div class='ui nav'>{names}</div><div class=row>{''.join(columns)}</div>"


def _plain(look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    head = f"<div class='ui crumb'>Question {look.number}</div>" if rng.random() < 0.7 else ""
    pad = rng.choice(["24px 6%", "30px 14%", "20px 20%"])
    return f"<div class=view style='padding:{pad}'><div class=scroll>{head}{_whole(pieces, answers)}</div></div>"


def _phone(look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    clock = f"{rng.randint(1, 12)}:{rng.randint(10, 59)}"
    return (
        f"<div class='ui status'><b>{clock}</b><span>LTE 82%</span></div>"
        f"<div class='ui back'>‹ Back &nbsp; <b>Question {look.number} of 27</b></div>"
        f"<div class='view handheld'><div class='scroll boxed'>{_whole(pieces, answers)}</div></div>"
        "<div class='ui submit'>Submit</div>"
    )


def _pdf(look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    return (
        f"<div class='ui tools'><span>practice-set-{look.number}.pdf</span><span>{rng.randint(2, 9)} / 24</span>"
        "<span>− 100% +</span></div><div class='view desk'><div class='scroll sheet-of-paper'>"
        f"<b>{look.number}.</b>{_whole(pieces, answers)}</div></div>"
    )


def _chat(_look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    said = [("mine", "can you help me with this one?"), ("theirs", "Sure! What have you tried so far?")]
    worry = rng.choice(["i guessed but im not sure", "no idea where to start", "i think its the second one"])
    bubbles = "".join(f"<div class='bubble {who}'>{text}</div>" for who, text in [*said, ("mine", worry)])
    return (
        f"<div class=row><div class='view site'><div class=scroll>{_whole(pieces, answers)}</div></div>"
        f"<div class='ui panel'><b>Study chat</b>{bubbles}<div class=field></div></div></div>"
    )


def _card(_look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    return (
        "<div class='view backdrop'><div class='scroll boxed tile'><div class=meter>"
        f"<div style='width:{rng.randint(10, 90)}%'></div></div>{_whole(pieces, answers)}</div></div>"
    )


def _split(look: Look, pieces: Pieces, answers: str, rng: random.Random) -> str:
    if not (pieces.passage or pieces.figure):
        return _plain(look, pieces, answers, rng)
    share = rng.choice([1, 1.3])
    return (
        f"<div class='ui lab'><b>Reading lab</b><span class=end>{look.number} / 27</span></div><div class=row>"
        f"<div class='view lefthand' style='flex-grow:{share}'><div class=scroll>{pieces.passage}{pieces.figure}</div>"
        f"</div><div class='view column'>{pieces.stem}{answers}</div></div>"
    )


def _neutral(look: Look, pieces: Pieces, _answers: str, rng: random.Random) -> str:
    names = ["Home", "Search", "News", "Account", "Archive", "About", "Files", "Sign in"]
    links = "".join(f"<span>{name}</span>" for name in rng.sample(names, 2 if look.style == "phone" else 4))
    head = f"<div class='ui nav'>{links}</div>" if rng.random() < 0.7 else ""
    side = f"<div class='ui side'>{_ad(rng)}{_ad(rng)}</div>" if look.style != "phone" and rng.random() < 0.3 else ""
    main = f"<div class='view site'><div class=scroll>{pieces.passage}</div></div>"
    return f"{head}<div class=row>{main}{side}</div>"


_BODIES: dict[str, Callable[[Look, Pieces, str, random.Random], str]] = {
    "bluebook": _bluebook,
    "website": _website,
    "dark": _plain,
    "phone": _phone,
    "pdf": _pdf,
    "chat": _chat,
    "faint": _plain,
    "typewriter": _plain,
    "card": _card,
    "split": _split,
}


def page(look: Look, pieces: Pieces, fonts: dict[str, list[str]], rng: random.Random) -> str:
    """The whole HTML document; a page without a stem gets neutral surroundings."""
    answers = choices(pieces, look.letters, rng) if pieces.stem else ""
    lines, wide = rng.choice([1.35, 1.45, 1.55, 1.7]), rng.choice([720, 820, 940, 1100])
    drawn = (
        f":root{{--paper:{look.paper};--ink:{look.ink};--accent:{look.accent};--unzoom:{1 / look.zoom:.4f};"
        f"--wide:{wide}px;--ui:'{fonts['sans'][0]}';--mono:'{fonts['mono'][0]}'}}"
        f"body{{font:{look.size:g}px/{lines} '{look.font}',sans-serif}}"
    )
    body_of = _BODIES[look.style] if pieces.stem else _neutral
    body = _chrome(look, rng) + body_of(look, pieces, answers, rng)
    return f"<!doctype html><html lang=en><meta charset=utf-8><style>{_CSS}{drawn}</style><body>{body}</body></html>"
