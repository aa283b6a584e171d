"""Writes a question down as it is read from a screen: letters, line breaks, cut edges and misread characters."""

from __future__ import annotations

import random
import re

FURNITURE = (
    *(
        "Mark for Review",
        "Question 12 of 27",
        "ABC",
        "Check answer",
        "Next",
        "Practice set 4",
        "18:22",
        "Submit",
        "Hide",
    ),
    *(
        "Sign in",
        "Home",
        "Menu",
        "Back",
        "Highlights & Notes More",
        "Module 1",
        "Directions",
        "Your answer",
        "7",
        "+",
        "×",
    ),
    *(
        "My progress",
        "Flashcards",
        "Settings",
        "Log out",
        "Courses",
        "Help center",
        "Community",
        "Leaderboard",
        "Search",
    ),
    *(
        "https://www.example.org/page/7",
        "Inbox (2)",
        "New tab",
        "Maps",
        "News",
        "Shop now",
        "Save 15% today",
        "Cookies",
    ),
    *(
        "i dont get this one",
        "what did you pick?",
        "me too",
        "ask your tutor",
        "Type a message",
        "Chat",
        "Online",
        "sure!",
    ),
    *(
        "9:41",
        "5G 71%",
        "Section 1",
        "Flag",
        "Calculator",
        "Reference",
        "12 / 24",
        "100%",
        "0 2 4 6 8 10",
        "x",
        "y",
        "Notes",
    ),
    *(
        "Ad",
        "Free trial",
        "Subscribe",
        "Share",
        "Print",
        "Report a problem",
        "Explain",
        "Streak: 3",
        "Score",
        "Timer 0:45",
    ),
)
_MISREAD = dict(zip("lIOo015−’“”π²³√≤≥°•ˣᵗ;,", '1l00OlS-\'""n23V<>o·xt,.', strict=True))


def misread(text: str, rng: random.Random, rate: float) -> str:
    """A text with about `rate` of its characters misread, and some spaces lost."""
    out = []
    for character in text:
        draw = rng.random()
        hard = character in "−²³√≤≥°•π’“”ˣᵗ"
        if character in _MISREAD and draw < (8 * rate + 0.15 if hard else rate * 0.4):
            out.append(_MISREAD[character])
        elif draw >= (rate * 0.6 if character == " " else rate * 0.25):
            out.append(character)
    return "".join(out)


def wrap(text: str, rng: random.Random) -> str:
    """A text broken into lines of a width."""
    width = rng.choice([32, 45, 60, 80, 110, 10_000])
    lines = []
    for line in text.split("\n"):
        row = ""
        for word in line.split(" "):
            if row and len(row) + len(word) >= width:
                lines.append(row)
                row = word
            else:
                row = f"{row} {word}" if row else word
        lines.append(row)
    return "\n".join(lines)


def write(
    passage: str, stem: str, choices: list[str], rng: random.Random, *, plain: bool = False
) -> tuple[str, list[str]]:
    """(text, choices) as read from a page; `plain` leaves out everything but line breaks."""
    if not plain and rng.random() < 0.15 and len(passage) > 200 and not passage.startswith("Text 1"):
        passage = passage[rng.randrange(len(passage) // 2) :]
    if not plain and choices and rng.random() < 0.1:
        choices = choices[: rng.randint(0, len(choices) - 1)]
    if not plain:
        blank = rng.choice(
            ["______", "______", "_____", "__", "_______", "", "-"] if rng.random() < 0.4 else ["______"]
        )
        passage = re.sub("_{2,}", blank, passage)
    style = rng.choice(["{}) ", "{}. ", "({}) ", "{} ", "", "{}\n", "({})", "{})", "{}."])
    seen = 0.5 if style == "{}\n" and not plain else 1.0
    shown = [style.format(key) if rng.random() < seen else "" for key in "ABCD"]
    rows = [letter + choice for letter, choice in zip(shown, choices, strict=False)]
    parts = [part for part in (passage, stem) if part]
    if passage and rng.random() < 0.1 and "|" not in passage and len(passage) < 200:
        parts.reverse()
    text = rng.choice(["\n", "\n\n"]).join(parts)
    text = "\n".join([wrap(text, rng), *rows])
    if not plain and rng.random() < 0.4:
        lines = text.split("\n")
        for _ in range(rng.choice([1, 2, 3, 5, 8, 12])):
            edge = rng.choice([0, len(lines), rng.randint(0, len(lines))])
            lines.insert(edge, rng.choice(FURNITURE))
        text = "\n".join(lines)
    if not plain and rng.random() < 0.6:
        rate = rng.choice([0.004, 0.01, 0.02, 0.04])
        seed = rng.random()
        text = misread(text, random.Random(seed), rate)
        choices = [misread(choice, rng, rate) for choice in choices]
    return text, choices
