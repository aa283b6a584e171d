"""Fits the model's constants to recorded answers, for `bonsai analytics fit`.

What it does, the same way every time:

1. Users are dealt to five folds by a hash of their names.
2. Each fold is replayed alone through the online model: knowing no question, knowing the questions from the other four
   folds, and with the questions' ids taken away. So the layer is fitted to what it will meet: new students on a new
   server, new students on old questions, and data without questions; never to answers that a student's own difficulty
   estimates have seen.
3. The logistic layer is fitted to all of it by Newton's method with a small ridge penalty.
4. The table of questions comes from a replay of all answers.

The constants of the online update itself (variances, drifts) are those of `Constants`: found by a random search over
the same data, which is flat around them.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import mul
from typing import TYPE_CHECKING

from bonsai_analytics.model import shared as sums
from bonsai_analytics.model.constants import Constants
from bonsai_analytics.model.known import KnownItems
from bonsai_analytics.model.learner import FEATURES, WEIGHTS, WITH_ITEM, WITH_KNOWN, Learner, sigmoid
from bonsai_analytics.model.predict import FindKnown, Shared, forecasts

if TYPE_CHECKING:
    from bonsai_analytics.recorded import Row

FOLDS = 5
#: Weight of a row in a replay that knows the questions, and in one that does not.
KNOWING, COLD = 1.0, 0.5
#: Ridge penalty on standardised features, and on what they weigh more with an item or a known difficulty.
RIDGE, RIDGE_MORE = 1.0, 30.0
#: Questions with fewer answers are not put into the table.
LEAST_ANSWERS = 2
BLOCK = 4096
DIGITS = 6
#: Told of progress: what is being done, and the part of all work that is done.
Progress = Callable[[str, float], None]


def fold_of(user: str) -> int:
    """The fold of a user, 0 to 4: a hash of the name, so the same one in every run."""
    return hashlib.sha256(f"fold:{user}".encode()).digest()[0] % FOLDS


class Rows:
    """Features and outcomes by regime: 0 without item, 1 with one, 2 with a known one. Columns of floats."""

    def __init__(self) -> None:
        width = len(FEATURES) + 1
        self.columns = [[array("f") for _ in range(width)] for _ in range(3)]
        self.outcomes = [array("f") for _ in range(3)]
        self.weights = [array("f") for _ in range(3)]

    def replay(self, rows: Sequence[Row], learner: Learner, known: FindKnown | None, weight: float) -> None:
        """Add what a replay of these rows meets."""
        for row, forecast in zip(rows, forecasts(rows, learner, known), strict=True):
            regime = 2 if forecast.known else 1 if forecast.has_item else 0
            columns = self.columns[regime]
            for column, value in zip(columns, forecast.features, strict=False):
                column.append(value)
            columns[-1].append(1.0)
            self.outcomes[regime].append(row.correct)
            self.weights[regime].append(weight)

    def blocks(self, step: int = 1) -> Iterator[tuple[int, list[array[float]], array[float], array[float]]]:
        """Blocks of (regime, columns, outcomes, weights); only each `step`-th."""
        number = 0
        for regime, columns in enumerate(self.columns):
            for start in range(0, len(self.outcomes[regime]), BLOCK):
                part = slice(start, start + BLOCK)
                if number % step == 0:
                    yield (
                        regime,
                        [column[part] for column in columns],
                        self.outcomes[regime][part],
                        self.weights[regime][part],
                    )
                number += 1


def history_rates(files: Sequence[Sequence[Row]]) -> list[float]:
    """How often the next answer is right, by the student's last three on the skill; each file counts the same."""
    total, right = [0.0] * sums.HISTORIES, [0.0] * sums.HISTORIES
    for rows in files:
        last: dict[tuple[str, str], int] = {}
        for row in rows:
            place = (row.user, row.skill)
            digits = last.get(place, 13)
            total[digits] += 1 / len(rows)
            right[digits] += row.correct / len(rows)
            last[place] = (2 if row.correct else 0) * 9 + digits // 3
    few = 100 / max(map(len, files))
    mean = sum(right) / sum(total)
    return [(r + few * mean) / (n + few) for r, n in zip(right, total, strict=True)]


def known_items(rows: Sequence[Row], learner: Learner) -> KnownItems:
    """What these answers tell of their questions."""
    shared = Shared()
    for _ in forecasts(rows, learner, shared=shared):
        pass
    c = learner.constants
    found = []
    for question, skill in dict.fromkeys((row.question, row.skill) for row in rows if row.question):
        item = shared.items[question]
        if item[sums.ANSWERED] >= LEAST_ANSWERS:
            mean, variance = sums.difficulty(item, c.item_variance)
            base, _ = sums.difficulty(shared.skills[skill], c.skill_difficulty_variance)
            found.append((question, skill, mean + base + c.skill_difficulty, variance))
    return KnownItems.of(found)


def fit(
    files: Sequence[Sequence[Row]], start: Constants | None = None, progress: Progress = lambda what, part: None
) -> tuple[Constants, KnownItems]:
    """Fit constants and the table of questions.

    Args:
        files: the answers of each file, a user's in order.
        start: where the constants of the online update come from.
    """
    constants = replace(start or Constants(), history_rates=[round(r, DIGITS) for r in history_rates(files)])
    learner = Learner(constants)
    rows = Rows()
    work = [(file, fold) for file in files for fold in range(FOLDS)]
    for number, (file, fold) in enumerate(work):
        progress("replaying", 0.5 * number / len(work))
        own = [row for row in file if fold_of(row.user) == fold]
        rows.replay(own, learner, None, COLD)
        if any(row.question for row in own):
            rows.replay([replace(row, question="") for row in own], learner, None, COLD)
            others = known_items([row for row in file if fold_of(row.user) != fold], learner)
            rows.replay(own, learner, others, KNOWING)
    bias, weights = fit_layer(rows, lambda part: progress("fitting", 0.5 + 0.4 * part))
    progress("making the table", 0.9)
    table = known_items([row for file in files for row in file if row.question], learner)
    progress("done", 1.0)
    return replace(constants, bias=bias, weights=weights), table


# The logistic layer


def fit_layer(rows: Rows, progress: Callable[[float], None] = lambda part: None) -> tuple[float, dict[str, float]]:
    """The layer's bias and weights: ridge logistic regression by Newton's method (I. J. Good's penalised likelihood).

    The weights of one regime are sums (`x`, `has*x`, `known*x`), so the Hessian is put together from one of each
    regime.
    """
    names = ["", *WEIGHTS]  # "" is the bias
    place = {name: number for number, name in enumerate(names)}
    width = len(FEATURES) + 1
    #: For each regime, the weights that act on each column.
    acting = [_acting(regime, place) for regime in range(3)]
    scale = _spread(rows)
    ridge = [0.0] + [
        (RIDGE_MORE if "*" in name else RIDGE) * scale[FEATURES.index(name.split("*")[-1])] ** 2
        if name.split("*")[-1]
        else RIDGE_MORE
        for name in WEIGHTS
    ]
    beta = [0.0] * len(names)
    beta[place["logit"]] = 1.0
    steps = [8, 8, 8, 1, 1, 1]
    for number, step in enumerate(steps):
        progress(number / len(steps))
        gradient, hessian = [-r * b for r, b in zip(ridge, beta, strict=True)], _diagonal(ridge)
        grams, slopes = _moments(rows, acting, beta, width, step)
        for regime in range(3):
            for i in range(width):
                for a in acting[regime][i]:
                    gradient[a] += slopes[regime][i]
                for j in range(width):
                    value = grams[regime][i][j] if i <= j else grams[regime][j][i]
                    for a in acting[regime][i]:
                        for b in acting[regime][j]:
                            hessian[a][b] += value
        beta = [b + d for b, d in zip(beta, solve(hessian, gradient), strict=True)]
    weights = {name: _significant(value) for name, value in zip(names, beta, strict=True) if name}
    return _significant(beta[0]), {name: value for name, value in weights.items() if value}


def _acting(regime: int, place: dict[str, int]) -> list[list[int]]:
    columns = []
    for name in FEATURES:
        own = [place[name]]
        if regime >= 1 and name in WITH_ITEM:
            own.append(place[f"has*{name}"])
        if regime == 2 and name in WITH_KNOWN:
            own.append(place[f"known*{name}"])
        columns.append(own)
    return [*columns, [place[name] for name in ("", "has*", "known*")[: regime + 1]]]


def _spread(rows: Rows) -> list[float]:
    """The standard deviation of each feature over all regimes."""
    spread = []
    for i in range(len(FEATURES)):
        n = total = squares = 0.0
        for regime in range(3):
            column = rows.columns[regime][i]
            n += len(column)
            total += sum(column)
            squares += sum(map(mul, column, column))
        spread.append(math.sqrt(max(squares / n - (total / n) ** 2, 1e-8)) if n else 1.0)
    return spread


def _moments(
    rows: Rows, acting: list[list[list[int]]], beta: Sequence[float], width: int, step: int
) -> tuple[list[list[list[float]]], list[list[float]]]:
    grams = [[[0.0] * width for _ in range(width)] for _ in range(3)]
    slopes = [[0.0] * width for _ in range(3)]
    for regime, columns, outcomes, weights in rows.blocks(step):
        effective = [sum(beta[a] for a in own) for own in acting[regime]]
        z = [0.0] * len(outcomes)
        for weight, column in zip(effective, columns, strict=True):
            z = [value + weight * x for value, x in zip(z, column, strict=True)]
        p = [sigmoid(value) for value in z]
        residual = [w * (y - q) for w, y, q in zip(weights, outcomes, p, strict=True)]
        curvature = [w * q * (1.0 - q) for w, q in zip(weights, p, strict=True)]
        gram, slope = grams[regime], slopes[regime]
        for i, column in enumerate(columns):
            slope[i] += sum(map(mul, residual, column))
            weighted = list(map(mul, curvature, column))
            row = gram[i]
            for j in range(i, width):
                row[j] += sum(map(mul, weighted, columns[j]))
    return grams, slopes


def _diagonal(values: Sequence[float]) -> list[list[float]]:
    return [[value if i == j else 0.0 for j in range(len(values))] for i, value in enumerate(values)]


def solve(matrix: list[list[float]], right: Sequence[float]) -> list[float]:
    """Solve a symmetric positive definite system by Cholesky's decomposition."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            value = matrix[i][j] - sum(map(mul, lower[i][:j], lower[j][:j]))
            lower[i][j] = math.sqrt(max(value, 1e-9)) if i == j else value / lower[j][j]
    half: list[float] = []
    for i in range(size):
        half.append((right[i] - sum(map(mul, lower[i][:i], half))) / lower[i][i])
    solution = [0.0] * size
    for i in reversed(range(size)):
        solution[i] = (half[i] - sum(lower[k][i] * solution[k] for k in range(i + 1, size))) / lower[i][i]
    return solution


def _significant(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if abs(value) > 1e-7 else 0.0
