"""The model's fitted constants: read from and written to a JSON file. `bonsai analytics fit` makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent.parent / "data" / "constants.json"


@dataclass(frozen=True)
class Constants:
    """All numbers of the model that come from data or from choice, in logits and per answer where nothing else is said.

    Attributes:
        ability_variance: of students around the mean.
        skill_variance: of a student's skill around his or her general ability.
        section_variance: of a student's section of the test around the general ability. By choice: no data has
            sections.
        ability_drift, skill_drift: variance that one answer adds, since students learn.
        test_drift: the same for an ability in a section of the test. By choice: it wanders some .3 logits, 30 points,
            in a thousand questions.
        skill_difficulty: mean of skills.
        skill_difficulty_variance: of skills around that mean.
        item_variance: of questions around their skill.
        guess, slip: chance of a right answer without the knowledge, and of a wrong one with it.
        fast, mid, slow: weight of the newest answer in the three running success rates, 0..1.
        history_rates: how often the next answer is right, by the three newest on the skill (`student.Skill.last`).
        bias, weights: of the logistic layer, by feature; `has*x` applies to answers whose question has an id, and
            `known*x` to those whose question has a known difficulty, in addition to `x`.
    """

    ability_variance: float = 1.4
    skill_variance: float = 0.2
    section_variance: float = 0.15
    ability_drift: float = 0.0025
    skill_drift: float = 0.01
    test_drift: float = 0.0001
    skill_difficulty: float = -0.8
    skill_difficulty_variance: float = 1.27
    item_variance: float = 1.35
    guess: float = 0.0
    slip: float = 0.0
    fast: float = 0.5
    mid: float = 0.19
    slow: float = 0.036
    history_rates: Sequence[float] = (0.6,) * 27
    bias: float = 0.0
    weights: Mapping[str, float] = field(default_factory=lambda: {"logit": 1.0})

    def write(self, path: Path, **about: Any) -> None:
        """Write to a JSON file.

        Args:
            about: what else to say in it, such as which files they come from. Not read back.
        """
        path.write_text(json.dumps({"about": about, **asdict(self)}, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Constants:
        """Read from a JSON file."""
        document = json.loads(path.read_text())
        document.pop("about", None)
        return cls(**document)


@lru_cache(maxsize=1)
def shipped() -> Constants:
    """The constants that come with the package."""
    return Constants.read(SHIPPED)
