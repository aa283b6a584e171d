"""Trains the classifier and writes `bonsai_vision/data/classifier.npz`: `python training/train.py`.

Texts: the question bank, the wordings in math.txt and reading.txt (each filled and noised many times), and pages
without a question (others.txt, quizzes.txt, remarks.txt). Nothing of `render/unseen.jsonl` and `render/others.jsonl` is
used: they are the held-out sets. Prints figures as JSON: accuracies with whole wordings left out (five folds; a group
is a template of the bank, a wording, a passage of a cloze, or a page), expected calibration errors, the same for the
held-out sets, confusions and size; keeps them in `figures.json` and draws `figures.svg`. The same seed, libraries and
processor give the same file, byte for byte. Needs the extra `training`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from bonsai_vision.classify import DIFFICULTIES, _Weights
from bonsai_vision.features import features, gauges
from drawing import draw
from measures import THRESHOLD, best_temperature, calibration_error, confusion, report, softmax
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from texts import UNKNOWN, Sample, held_out, training

from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS, difficulty_of_band

HERE = Path(__file__).parent
OUT = HERE.parent / "bonsai_vision" / "data" / "classifier.npz"
KEEP = 32_000
RARE = 4
PENALTY, GAUGE_PENALTY = 20.0, 0.003

Features = list[dict[int, float]]


def matrix(found: Features, keys: np.ndarray) -> sparse.csr_matrix:
    """Rows of features over the sorted `keys`."""
    place = {int(key): at for at, key in enumerate(keys)}
    data: list[float] = []
    columns: list[int] = []
    ends = [0]
    for row in found:
        known = sorted((place[key], value) for key, value in row.items() if key in place)
        columns += [at for at, _ in known]
        data += [value for _, value in known]
        ends.append(len(columns))
    return sparse.csr_matrix((np.array(data), np.array(columns), np.array(ends)), shape=(len(found), len(keys)))


def common(found: Features) -> np.ndarray:
    """The features that occur in at least `RARE` texts, sorted."""
    counts: dict[int, int] = {}
    for row in found:
        for key in row:
            counts[key] = counts.get(key, 0) + 1
    return np.array(sorted(key for key, count in counts.items() if count >= RARE), dtype=np.uint32)


def fit(rows: sparse.csr_matrix, labels: np.ndarray, weights: np.ndarray, steps: int) -> LogisticRegression:
    """A multinomial logistic regression; classes weigh the same, only `unknown` three times as much."""
    share = np.bincount(labels, minlength=UNKNOWN + 1).astype(float)
    each = weights * (len(labels) / (share[labels] * len(share))) * np.where(labels == UNKNOWN, 3.0, 1.0)
    return LogisticRegression(C=PENALTY, max_iter=steps, tol=1e-3).fit(rows, labels, sample_weight=each)


def learn(
    rows: sparse.csr_matrix, labels: np.ndarray, weights: np.ndarray, steps: int
) -> tuple[np.ndarray, LogisticRegression]:
    """The `KEEP` columns that matter most, and the regression over them."""
    strength = np.abs(fit(rows, labels, weights, steps).coef_).max(0)
    kept = np.sort(np.argsort(-strength, kind="stable")[:KEEP])
    return kept, fit(rows[:, kept], labels, weights, steps)


def fit_difficulty(samples: list[Sample]) -> tuple[np.ndarray, dict[str, Any]]:
    """Slopes of easy, medium and hard over the gauges, and how good they are on left-out templates."""
    banked = [sample for sample in samples if sample.band is not None and sample.plain]

    def table(some: list[Sample]) -> tuple[np.ndarray, np.ndarray]:
        math = [DOMAIN_OF_SKILL[SKILLS[sample.label]].section == "Math" for sample in some]
        rows = [gauges(s.text, choices=s.choices, mathematical=m) for s, m in zip(some, math, strict=True)]
        return np.array(rows), np.array([DIFFICULTIES.index(difficulty_of_band(sample.band or 4)) for sample in some])

    def model(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        mean, spread = rows.mean(0), rows.std(0) + 1e-9
        learner = LogisticRegression(C=GAUGE_PENALTY, max_iter=500).fit((rows - mean) / spread, labels)
        slopes = learner.coef_.T / spread[:, None]
        return np.vstack([slopes, learner.intercept_ - mean @ slopes])

    def judge(slopes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return softmax(rows @ slopes[:-1] + slopes[-1])

    def measured(shares: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        at = np.arange(len(labels))
        return {
            "log_loss": round(float(-np.log(shares[at, labels]).mean()), 4),
            "log_loss_of_the_bank's_shares": round(float(-np.log(prior[labels]).mean()), 4),
            "accuracy": round(float((shares.argmax(1) == labels).mean()), 4),
            "ece": round(calibration_error(shares.max(1), shares.argmax(1) == labels), 4),
        }

    rows, labels = table(banked)
    prior = np.bincount(labels) / len(labels)
    shares = np.zeros((len(labels), 3))
    for train, test in GroupKFold(10).split(rows, labels, [sample.group for sample in banked]):
        shares[test] = judge(model(rows[train], labels[train]), rows[test])
    slopes = model(rows, labels)
    others, theirs = table([sample for sample in held_out() if sample.band is not None])
    figures = {"left_out": measured(shares, labels), "held_out": measured(judge(slopes, others), theirs)}
    return slopes.astype(np.float32), figures


@click.command()
@click.option("--seed", default=7, show_default=True)
@click.option("--out", default=OUT, type=click.Path(path_type=Path), help="The data file.")
@click.option("--folds", default=5, show_default=True)
@click.option("--steps", default=70, show_default=True, help="At most so many steps of the optimizer.")
def main(seed: int, out: Path, folds: int, steps: int) -> None:
    """Train, measure, and write the data file."""
    start = time.perf_counter()

    def say(text: str) -> None:
        click.echo(f"[{time.perf_counter() - start:4.0f} s] {text}", err=True)

    samples = training(seed)
    found = [features(s.text, choices=s.choices, figure=s.figure) for s in samples]
    labels = np.array([sample.label for sample in samples])
    weights = np.array([sample.weight for sample in samples])
    keys = common(found)
    rows = matrix(found, keys)
    say(f"{len(samples)} texts, {len(keys)} features")

    logits = np.zeros((len(samples), UNKNOWN + 1))
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (train, test) in enumerate(split.split(rows, labels, [sample.group for sample in samples]), 1):
        kept, learner = learn(rows[train], labels[train], weights[train], steps)
        logits[test] = learner.decision_function(rows[test][:, kept])
        say(f"fold {fold} of {folds}: {report(softmax(logits[test]), labels[test])}")
    temperature = best_temperature(logits, labels)
    shares = softmax(logits / temperature)
    banked = np.array([sample.band is not None for sample in samples])
    slopes, difficulty = fit_difficulty(samples)

    kept, learner = learn(rows, labels, weights, steps)
    scale = np.abs(learner.coef_).max(1) / 127
    out.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        out,
        keys=keys[kept],
        matrix=np.ascontiguousarray(np.round(learner.coef_ / scale[:, None]).astype(np.int8).T),
        scale=scale.astype(np.float32),
        bias=learner.intercept_.astype(np.float32),
        temperature=np.float32(temperature),
        threshold=np.float32(THRESHOLD),
        difficulty=slopes,
    )
    with np.load(out) as data:
        shipped = _Weights({name: data[name] for name in data.files})
    checked = held_out()
    probabilities = np.array([shipped.skills(features(s.text, choices=s.choices)) for s in checked])
    truth = np.array([sample.label for sample in checked])
    draw(HERE / "figures.svg", shares, labels)
    figures: dict[str, Any] = {
        "texts": len(samples),
        "features": len(kept),
        "bytes": out.stat().st_size,
        "temperature": round(temperature, 3),
        "left_out": report(shares, labels),
        "left_out_bank": report(shares[banked], labels[banked]),
        "held_out": report(probabilities, truth),
        "difficulty": difficulty,
        "confused": confusion(shares, labels, samples),
        "confused_held_out": confusion(probabilities, truth, checked),
    }
    (HERE / "figures.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
    click.echo(json.dumps(figures, ensure_ascii=False, indent=1))
    say("done")


if __name__ == "__main__":
    main()
