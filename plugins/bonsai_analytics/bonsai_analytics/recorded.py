"""Files of recorded answers, for `bonsai replay`: reading them, dealing them out to students, counting them.

A file is CSV, or CSV.gz, of `user,question,skill,correct` and perhaps `seconds`. With a header the columns may stand in
any order, there may be others, and `question` or `skill` may be missing; without one they stand in this order.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bonsai_analytics.events import MAX_SECONDS
from bonsai_analytics.stats import MAX_SKILLS, UNKNOWN

COLUMNS = ("user", "question", "skill", "correct", "seconds")
#: Columns that a file without a header must have.
IN_ORDER = 4
_RIGHT = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_LONGEST_NAME = 256


class BadFile(Exception):
    """The file is not one of recorded answers; says where and why."""


@dataclass(slots=True, frozen=True)
class Row:
    """One recorded answer. `question` is empty, and `seconds` 0, when the file does not tell."""

    user: str
    question: str
    skill: str
    correct: bool
    seconds: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counted answers.

    Attributes:
        skills: skill -> answers; `right` counts those that were right.
    """

    answered: int = 0
    correct: int = 0
    skills: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Tally:
        """Count rows."""
        tally = cls()
        for row in rows:
            tally.answered += 1
            tally.correct += row.correct
            tally.skills[row.skill] += 1
            tally.right[row.skill] += row.correct
        return tally

    def differences(self, counted: Tally) -> list[str]:
        """Where `counted` is not what it should be, in words. Empty: it is."""
        found = []
        if (self.answered, self.correct) != (counted.answered, counted.correct):
            found.append(
                f"{counted.correct} right of {counted.answered} answers instead of {self.correct} of {self.answered}"
            )
        if len(self.skills) <= MAX_SKILLS:  # beyond, the server counts some under another name
            for skill in sorted(self.skills.keys() | counted.skills.keys()):
                wanted, got = (self.skills[skill], self.right[skill]), (counted.skills[skill], counted.right[skill])
                if wanted != got:
                    found.append(f"skill {skill!r}: {got[1]} right of {got[0]} instead of {wanted[1]} of {wanted[0]}")
        return found

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.answered + other.answered,
            self.correct + other.correct,
            self.skills + other.skills,
            # Counter addition drops zeros, which read the same as what is missing.
            self.right + other.right,
        )


def read(path: Path, limit: int | None = None) -> list[Row]:
    """The first `limit` answers of a file.

    Raises:
        BadFile: it cannot be read, or a line is no answer.
    """
    open_file = gzip.open if path.suffix == ".gz" else open
    try:
        with open_file(path, "rb") as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            return list(itertools.islice(_rows(text, path), limit))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path} cannot be read as CSV: {error}") from None


def _rows(text: Iterable[str], path: Path) -> Iterator[Row]:
    lines = csv.reader(text)
    places: dict[str, int] | None = None
    for cells in lines:
        if not cells:
            continue
        if places is None:
            places, is_header = _places(cells, path)
            if is_header:
                continue
        try:
            yield _row(cells, places)
        except (ValueError, IndexError) as error:
            raise BadFile(f"{path}, line {lines.line_num}: {error}") from None


def _places(first: Sequence[str], path: Path) -> tuple[dict[str, int], bool]:
    """Where each column stands, and whether the first line says so."""
    names = [name.strip().lower() for name in first]
    if "user" not in names and "correct" not in names:
        if len(first) < IN_ORDER:
            raise BadFile(
                f"{path}, line 1: needs the columns {', '.join(COLUMNS[:IN_ORDER])}, and has {len(first)} cells"
            )
        return {name: place for place, name in enumerate(COLUMNS[: len(first)])}, False
    missing = [name for name in ("user", "correct") if name not in names]
    if "question" not in names and "skill" not in names:
        missing.append("question or skill")
    if missing:
        raise BadFile(f"{path} has no column {', '.join(missing)}; it has {', '.join(names)}")
    return {name: names.index(name) for name in COLUMNS if name in names}, True


def _row(cells: Sequence[str], places: dict[str, int]) -> Row:
    if len(cells) <= max(places.values()):
        raise ValueError(f"needs {max(places.values()) + 1} cells, and has {len(cells)}")
    user, correct = cells[places["user"]].strip(), cells[places["correct"]].strip()
    question, skill = (cells[places[name]].strip() if name in places else "" for name in ("question", "skill"))
    if correct.lower() not in _RIGHT:
        raise ValueError(f"`correct` must be 0 or 1, not {correct[:20]!r}")
    if len(question) > _LONGEST_NAME or len(skill) > _LONGEST_NAME:
        raise ValueError(f"a question and a skill are names of at most {_LONGEST_NAME} characters")
    seconds = _seconds(cells[places["seconds"]]) if "seconds" in places else 0.0
    return Row(user, question, skill or UNKNOWN, _RIGHT[correct.lower()], seconds)


def _seconds(cell: str) -> float:
    """A recorded time; 0 for one that nobody can have taken, as real files have them: below 0, above a day, nan."""
    try:
        seconds = float(cell or 0)
    except ValueError:
        raise ValueError(f"`seconds` must be a number, not {cell[:20]!r}") from None
    return seconds if 0 <= seconds <= MAX_SECONDS else 0.0


def deal(rows: Iterable[Row], students: int) -> list[list[Row]]:
    """Deal answers out to at most `students` students.

    The file's users are numbered as they first appear; student k plays the answers of users k, k + students,
    k + 2 * students, ... in the order of the file. So a user's answers stay in order and belong to one student.

    Returns:
        The rows of each student who has any.
    """
    numbers: dict[str, int] = {}
    dealt: list[list[Row]] = [[] for _ in range(students)]
    for row in rows:
        dealt[numbers.setdefault(row.user, len(numbers)) % students].append(row)
    return [share for share in dealt if share]
