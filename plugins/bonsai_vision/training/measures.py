"""How good probabilities are: accuracy at each level, calibration, refusals, and what is confused with what."""

from __future__ import annotations

from typing import Any

import numpy as np
from bonsai_vision.classify import CLASSES
from texts import UNKNOWN, Sample

from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS

THRESHOLD = 0.35


def levels(shares: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(choice, its probability) at each level, numbered like the labels in `told`."""
    sections, domains = groups_of("section"), groups_of("domain")
    chosen: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    refused = shares[:, UNKNOWN] > THRESHOLD
    by_section = shares[:, :UNKNOWN] @ np.eye(max(sections) + 1)[sections]
    by_domain = shares[:, :UNKNOWN] @ np.eye(max(domains) + 1)[domains]
    section = by_section.argmax(1)
    of_domain = np.array(
        [next(sections[at] for at in range(UNKNOWN) if domains[at] == d) for d in range(max(domains) + 1)]
    )
    domain = np.where(of_domain[None, :] == section[:, None], by_domain, -1).argmax(1)
    skill = np.where(np.array(domains)[None, :] == domain[:, None], shares[:, :UNKNOWN], -1).argmax(1)
    at = np.arange(len(shares))
    for name, choice, sure in (
        ("section", section, by_section[at, section]),
        ("domain", domain, by_domain[at, domain]),
        ("skill", skill, shares[at, skill]),
    ):
        chosen[name] = (np.where(refused, -1, choice), np.where(refused, shares[:, UNKNOWN], sure))
    return chosen


def groups_of(level: str) -> list[int]:
    """The number of every skill's section or domain."""
    names = [str(DOMAIN_OF_SKILL[s].section) if level == "section" else DOMAIN_OF_SKILL[s].name for s in SKILLS]
    order = list(dict.fromkeys(names))
    return [order.index(name) for name in names]


def told(labels: np.ndarray, level: str) -> np.ndarray:
    """The right number at a level; −1 for unknown."""
    of = np.array([*(range(UNKNOWN) if level == "skill" else groups_of(level)), -1])
    right: np.ndarray = of[labels]
    return right


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 12) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, in bins of equal width."""
    at = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(sure[at == b].mean() - right[at == b].mean()) * (at == b).mean() for b in range(bins) if (at == b).any()
        )
    )


def report(shares: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracies on questions, calibration errors, the share of questions refused and of other pages refused."""
    asks = labels != UNKNOWN
    out: dict[str, float] = {"questions": int(asks.sum()), "others": int((~asks).sum())}
    for level, (choice, sure) in levels(shares).items():
        right = choice == told(labels, level)
        out[level] = round(float(right[asks].mean()), 4)
        out[f"{level}_ece"] = round(calibration_error(sure, right), 4)
    refused = shares[:, UNKNOWN] > THRESHOLD
    out["questions_refused"] = round(float(refused[asks].mean()), 4)
    if (~asks).any():
        out["others_refused"] = round(float(refused[~asks].mean()), 4)
    return out


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of rows of logits."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return shares


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least log loss."""
    grid = np.linspace(0.4, 2.5, 43)
    losses = [-np.log(softmax(logits / t)[np.arange(len(labels)), labels] + 1e-12).mean() for t in grid]
    return float(grid[int(np.argmin(losses))])


def confusion(shares: np.ndarray, labels: np.ndarray, samples: list[Sample]) -> dict[str, Any]:
    """The commonest confusions, and the groups that go wrong most."""
    choice = levels(shares)["skill"][0]
    pairs: dict[str, int] = {}
    groups: dict[str, int] = {}
    for sample, right, said in zip(samples, labels, choice, strict=True):
        if right != said and not (right == UNKNOWN and said == -1):
            key = f"{CLASSES[right][:34]} -> {CLASSES[said][:34] if said >= 0 else 'unknown'}"
            pairs[key] = pairs.get(key, 0) + 1
            groups[sample.group] = groups.get(sample.group, 0) + 1

    def top(counts: dict[str, int], count: int) -> dict[str, int]:
        return dict(sorted(counts.items(), key=lambda pair: -pair[1])[:count])

    return {"pairs": top(pairs, 25), "groups": top(groups, 60)}
