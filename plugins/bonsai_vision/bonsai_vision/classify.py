"""Section, domain, skill and difficulty of a question, from its text; `unknown` for what is no question of the test.

A multinomial logistic regression over words, pairs of words, letters and the look of the choices, with calibrated
probabilities. `training/train.py` makes the weights in `data/classifier.npz` from texts of our own. They load at the
first call; importing this module is cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from bonsai_core.domain import DOMAINS, SKILLS, Difficulty, Section
from bonsai_vision.features import features, gauges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

UNKNOWN = "unknown"
CLASSES = (*SKILLS, UNKNOWN)
DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")


@dataclass(frozen=True, slots=True)
class Labels:
    """What a text was classified as.

    Attributes:
        section: name of a section, or `unknown`; so with `domain` and `skill`, which always belong together.
        difficulty: probability of `easy`, `medium` and `hard`, which add up to 1; empty when unknown.
        confidence: probability, 0..1, that each label is right; of `unknown`, that this is no question of the test.
        skills: probability of every skill and of `unknown`, which add up to 1.
    """

    section: str
    domain: str
    skill: str
    difficulty: dict[Difficulty, float]
    confidence: dict[Literal["section", "domain", "skill"], float]
    skills: dict[str, float]


def classify(text: str, *, choices: int | Sequence[str] | None = None, figure: bool | None = None) -> Labels:
    """The labels of a question.

    Args:
        text: all of it in reading order: passage, stem, choices. Only the first 8,000 characters count.
        choices: the texts of the choices, or their number, where known. They are looked for in the text otherwise.
        figure: whether a figure or table belongs to the question, where known.
    """
    weights = _weights()
    skills = weights.skills(features(text, choices=choices, figure=figure))
    by_name = dict(zip(CLASSES, map(float, skills), strict=True))
    if by_name[UNKNOWN] > weights.threshold:
        sure = by_name[UNKNOWN]
        return Labels(UNKNOWN, UNKNOWN, UNKNOWN, {}, {"section": sure, "domain": sure, "skill": sure}, by_name)
    sections: dict[Section, float] = dict.fromkeys(Section, 0.0)
    domains = dict.fromkeys(DOMAINS, 0.0)
    for domain in DOMAINS:
        domains[domain] = sum(by_name[skill] for skill in domain.skills)
        sections[domain.section] += domains[domain]
    section = max(sections, key=sections.__getitem__)
    domain = max((domain for domain in DOMAINS if domain.section == section), key=domains.__getitem__)
    skill = max(domain.skills, key=by_name.__getitem__)
    difficulty = weights.difficulty(gauges(text, choices=choices, mathematical=section == Section.MATH))
    return Labels(
        str(section),
        domain.name,
        skill,
        dict(zip(DIFFICULTIES, map(float, difficulty), strict=True)),
        {"section": sections[section], "domain": domains[domain], "skill": by_name[skill]},
        by_name,
    )


class _Weights:
    def __init__(self, data: Any) -> None:

        self.keys = data["keys"]
        self.matrix = data["matrix"]
        self.scale = data["scale"]
        self.bias = data["bias"]
        self.temperature = float(data["temperature"])
        self.threshold = float(data["threshold"])
        self.slopes = data["difficulty"]

    def skills(self, found: dict[int, float]) -> Floats:
        import numpy as np

        keys = np.fromiter(found, dtype=np.uint32, count=len(found))
        values = np.fromiter(found.values(), dtype=np.float32, count=len(found))
        at = np.searchsorted(self.keys, keys)
        at[at == len(self.keys)] = 0
        known = self.keys[at] == keys
        logits = values[known] @ self.matrix[at[known]].astype(np.float32) * self.scale + self.bias
        return softmax(logits / self.temperature)

    def difficulty(self, gauged: list[float]) -> Floats:
        import numpy as np

        return softmax(np.array(gauged, dtype=np.float32) @ self.slopes[:-1] + self.slopes[-1])


@cache
def _weights() -> _Weights:
    import numpy as np

    with (files("bonsai_vision") / "data" / "classifier.npz").open("rb") as file, np.load(file) as data:
        return _Weights({name: data[name] for name in data.files})


def softmax(logits: Floats) -> Floats:
    """Probabilities of logits."""
    import numpy as np

    powers: Floats = np.exp(logits - logits.max())
    shares: Floats = powers / powers.sum()
    return shares
