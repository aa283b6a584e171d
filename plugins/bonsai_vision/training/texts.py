"""The texts that the classifier learns from, and those that it is checked on."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import noise
import reading
import slots
from bonsai_vision.classify import CLASSES

from bonsai_core.domain import SKILLS

HERE = Path(__file__).parent
BANK = HERE.parents[1] / "bonsai_recs" / "bonsai_recs" / "data" / "bank.jsonl"
RENDER = HERE.parent / "render"
UNKNOWN = len(SKILLS)
NUMBER = {name: at for at, name in enumerate(CLASSES)}


@dataclass
class Sample:
    """A text to learn from; `group` is what cross validation keeps together."""

    text: str
    choices: int | list[str] | None
    figure: bool | None
    label: int
    group: str
    weight: float = 1.0
    band: int | None = None
    plain: bool = True


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file, without a bank's head."""
    found = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [row for row in found if "format" not in row]


def lines(path: Path) -> list[str]:
    """The lines of a file, without its head."""
    return [line for line in path.read_text().splitlines()[1:] if line]


def _told(choices: list[str], rng: random.Random) -> int | list[str] | None:
    draw = rng.random()
    return None if draw < 0.4 else len(choices) if draw < 0.6 else choices


def from_bank(rng: random.Random) -> list[Sample]:
    """Every question of the bank, as it is and read from a screen."""
    made = []
    for row in rows(BANK):
        texts = [choice["text"] for choice in row.get("choices") or []]
        for number in range(4):
            text, shown = noise.write(row.get("passage") or "", row["stem"], texts, rng, plain=not number)
            figure = rng.choice([None, bool(row.get("figure"))])
            label = NUMBER[row["skill"]]
            made.append(
                Sample(text, _told(shown, rng), figure, label, row["template"], 0.6, row.get("band", 4), not number)
            )
    return made


def from_wordings(rng: random.Random, passages: list[str]) -> list[Sample]:
    """The wordings of math.txt and reading.txt, filled many times."""
    made = []
    contexts = lines(HERE / "contexts.txt")
    for skill, line in slots.wordings(HERE / "math.txt"):
        wording, _, kind = line.partition(" => ")
        if "|" in kind and kind.lstrip().startswith("|"):
            wording, kind = line, ""
        for number in range(14):
            filled = slots.fill(wording, rng)
            table, _, rest = filled.rpartition("|\n\n")
            if not table and "\n| " in filled:
                filled, _, table = filled.partition("\n\n")
                rest, filled = filled, table
            elif table:
                filled = table + "|"
            else:
                rest, filled = filled, ""
            if rng.random() < 0.5:
                filled = filled.replace("|", " ")
            if rng.random() < 0.35:
                lead = " ".join(slots.fill(line, rng) for line in rng.sample(contexts, rng.choice([1, 1, 2, 3])))
                rest = f"{lead}\n\n{rest}" if "\n" in rest else f"{lead} {rest}"
            shown = slots.answers(kind.strip(), rng)
            text, shown = noise.write(filled, rest, shown, rng, plain=not number)
            shows = bool(re.search(r"figure|graph|plot|shown|histogram", rest))
            figure = rng.choice([None, None, shows, not shows if rng.random() < 0.1 else shows])
            made.append(Sample(text, _told(shown, rng), figure, NUMBER[skill], f"{skill}: {line}"))
    counts = {skill: sum(head == skill for head, _ in reading.STEMS) for skill, _ in reading.STEMS}
    for skill, stem in reading.STEMS:
        for number in range(max(14, 420 // counts[skill])):
            passage, asked, four = reading.question(skill, stem, passages, rng)
            text, shown = noise.write(passage, asked, four, rng, plain=not number)
            group = f"{skill}: {stem}" if skill not in reading.CLOZE else f"{skill}: {hash_of(passage[:12])}"
            figure = rng.choice([None, "graph" in stem])
            made.append(Sample(text, _told(shown, rng), figure, NUMBER[skill], group))
    return made


def hash_of(text: str) -> int:
    """A small stable hash."""
    return sum(map(ord, text)) % 97


def from_others(rng: random.Random, passages: list[str]) -> list[Sample]:
    """Pages without a question: the written ones, bare passages, and mixtures of lines."""
    pages = [
        page.replace("\\n", "\n") for page in re.split(r"\n\s*\n", (HERE / "others.txt").read_text()) if page.strip()
    ]
    made = []
    for number, page in enumerate(pages):
        for turn in range(7):
            other = rng.choice(pages)
            text = page if turn < 3 else f"{page}\n{other}" if turn < 5 else page[: rng.randint(30, 400)]
            text, _ = noise.write(text, "", [], rng, plain=not turn)
            made.append(
                Sample(
                    text,
                    rng.choice([None, None, 0, 4]),
                    rng.choice([None, None, False, True]),
                    UNKNOWN,
                    f"page {number}",
                )
            )
    quizzes = lines(HERE / "quizzes.txt")
    for number, line in enumerate(quizzes):
        for turn in range(6):
            asked: list[str] = []
            shown: list[str] = []
            for quiz in [line, *rng.sample(quizzes, rng.choice([0, 0, 0, 1, 3]))]:
                question, *shown = quiz.split(" | ")
                text, shown = noise.write("", question, shown, rng, plain=not turn)
                asked.append(text if len(asked) == 0 and turn < 4 else f"{len(asked) + 3}. {text}")
            if rng.random() < 0.3:
                asked.insert(
                    0,
                    rng.choice(["Unit 4 review", "Quiz 2: basics", "Question 5 of 20", "Score: 3/10", "Trivia night"]),
                )
            told = _told(shown, rng) if len(asked) == 1 else None
            made.append(Sample("\n".join(asked), told, rng.choice([None, False]), UNKNOWN, f"quiz {number}"))
    remarks = lines(HERE / "remarks.txt")
    for number in range(400):
        near = rng.randrange(len(remarks))
        pool = remarks[max(0, near - 12) : near + 12] if rng.random() < 0.6 else remarks
        speakers = rng.sample([*slots.NAMES, "Me", "You", "bot", "Mom", "Agent"], 3)
        before = rng.choice(["", "{}: ", "{}\n", "{} 09:41 ", "@{} "])
        said = [
            before.format(rng.choice(speakers)) + line for line in rng.sample(pool, rng.randint(3, min(10, len(pool))))
        ]
        text, _ = noise.write("\n".join(said), "", [], rng, plain=number % 4 == 0)
        made.append(
            Sample(text, rng.choice([None, None, 0, 4]), rng.choice([None, False]), UNKNOWN, f"remarks {near // 8}")
        )
    for number, passage in enumerate(passages):
        for turn in range(3):
            text, _ = noise.write(passage, "", [], rng, plain=not turn)
            made.append(Sample(text, rng.choice([None, 0]), rng.choice([None, False]), UNKNOWN, f"bare {number}"))
    return made


def held_out() -> list[Sample]:
    """The questions and pages of the test screenshots, as plain text."""
    made = []
    for row in rows(RENDER / "unseen.jsonl"):
        texts = [choice["text"] for choice in row.get("choices") or []]
        text, _ = noise.write(
            re.sub("</?u>", "", row.get("passage") or ""), row["stem"], texts, random.Random(1), plain=True
        )
        made.append(Sample(text, texts, None, NUMBER[row["skill"]], row["id"], band=row.get("band", 4)))
    pages = rows(RENDER / "others.jsonl")
    return made + [
        Sample("\n".join([page["title"], *page["lines"]]), None, None, UNKNOWN, page["title"]) for page in pages
    ]


def training(seed: int) -> list[Sample]:
    """Every text to learn from; the same for the same seed."""
    rng = random.Random(seed)
    bank = [row["passage"] for row in rows(BANK) if row["section"] != "Math"]
    passages = reading.passages() + [text for text in bank if not re.search("_{2}|•|\\||Text 1", text)]
    return [*from_bank(rng), *from_wordings(rng, passages), *from_others(rng, passages)]
