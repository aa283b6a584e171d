"""Trains the classifier and writes `bonsai_vision/data/classifier.npz`: `python training/train.py`.

Texts: the question bank, the wordings in math.txt and reading.txt (each filled and noised many times), and the pages
without a question in others.txt. Nothing of `render/unseen.jsonl` and `render/others.jsonl` is used: they are the
held-out sets. Prints figures as JSON: accuracies with whole wordings left out (five folds; a group is a template of the
bank, a wording, a passage of a cloze, or a page), expected calibration error, the held-out sets, size and speed.
The same seed, libraries and processor give the same file, byte for byte. Needs the extra `training`.
"""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import noise
import numpy as np
import reading
import slots
from bonsai_vision import classify as model
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS, difficulty_of_band

HERE = Path(__file__).parent
BANK = HERE.parents[1] / "bonsai_recs" / "bonsai_recs" / "data" / "bank.jsonl"
OUT = HERE.parent / "bonsai_vision" / "data" / "classifier.npz"
RENDER = HERE.parent / "render"
UNKNOWN = len(SKILLS)
KEEP = 24_000
NUMBER = {name: at for at, name in enumerate(model.CLASSES)}


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


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file, without a bank's head."""
    found = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [row for row in found if "format" not in row]


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
            made.append(Sample(text, _told(shown, rng), figure, label, row["template"], 0.6, row.get("band", 4)))
    return made


def from_wordings(rng: random.Random, passages: list[str]) -> list[Sample]:
    """The wordings of math.txt and reading.txt, filled many times."""
    made = []
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
    quizzes = [line for line in (HERE / "quizzes.txt").read_text().splitlines() if line and not line.startswith("#")]
    for number, line in enumerate(quizzes):
        for turn in range(6):
            asked, shown = [], []
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
    for number, passage in enumerate(passages):
        for turn in range(3):
            text, _ = noise.write(passage, "", [], rng, plain=not turn)
            made.append(Sample(text, rng.choice([None, 0]), rng.choice([None, False]), UNKNOWN, f"bare {number}"))
    return made


def table(samples: list[Sample]) -> tuple[list[dict[int, float]], np.ndarray]:
    """Features and labels."""
    found = [model.features(s.text, choices=s.choices, figure=s.figure) for s in samples]
    return found, np.array([s.label for s in samples])


def matrix(found: list[dict[int, float]], keys: np.ndarray) -> sparse.csr_matrix:
    """Rows of features over the sorted `keys`."""
    place = {int(key): at for at, key in enumerate(keys)}
    data, columns, ends = [], [], [0]
    for row in found:
        known = sorted((place[key], value) for key, value in row.items() if key in place)
        columns += [at for at, _ in known]
        data += [value for _, value in known]
        ends.append(len(columns))
    shape = (len(found), len(keys))
    return sparse.csr_matrix((np.array(data), np.array(columns), np.array(ends)), shape=shape)


def common(found: list[dict[int, float]], least: int) -> np.ndarray:
    """The features that occur in at least `least` texts, sorted."""
    counts: dict[int, int] = {}
    for row in found:
        for key in row:
            counts[key] = counts.get(key, 0) + 1
    return np.array(sorted(key for key, count in counts.items() if count >= least), dtype=np.uint32)


def fit(rows_: sparse.csr_matrix, labels: np.ndarray, weights: np.ndarray, steps: int) -> LogisticRegression:
    """A multinomial logistic regression; classes weigh the same, only `unknown` three times as much."""
    share = np.bincount(labels, minlength=UNKNOWN + 1).astype(float)
    each = weights * (len(labels) / (share[labels] * len(share))) * np.where(labels == UNKNOWN, 3.0, 1.0)
    learner = LogisticRegression(C=30.0, max_iter=steps, tol=1e-3)
    learner.fit(rows_, labels, sample_weight=each)
    return learner


def levels(shares: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(choice, its probability) at each level, numbered like the labels in `told`."""
    sections, domains = groups_of("section"), groups_of("domain")
    chosen: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    refused = shares[:, UNKNOWN] > 0.5
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
    return of[labels]


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
    refused = shares[:, UNKNOWN] > 0.5
    out["questions_refused"] = round(float(refused[asks].mean()), 4)
    if (~asks).any():
        out["others_refused"] = round(float(refused[~asks].mean()), 4)
    return out


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of rows of logits."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


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
            key = f"{model.CLASSES[right][:34]} -> {model.CLASSES[said][:34] if said >= 0 else 'unknown'}"
            pairs[key] = pairs.get(key, 0) + 1
            groups[sample.group] = groups.get(sample.group, 0) + 1
    top = lambda counts, n: dict(sorted(counts.items(), key=lambda pair: -pair[1])[:n])  # noqa: E731
    return {"pairs": top(pairs, 25), "groups": top(groups, 60)}


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


def fit_difficulty(samples: list[Sample], shares: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """Slopes of easy, medium and hard over skills and gauges, and how good they are on left-out templates."""
    use = [at for at, sample in enumerate(samples) if sample.band is not None]
    gauged = np.array([[*shares[at], *model.gauges(samples[at].text, samples[at].choices)] for at in use])
    labels = np.array([model.DIFFICULTIES.index(difficulty_of_band(samples[at].band or 4)) for at in use])
    prior = np.bincount(labels) / len(labels)
    at = np.arange(len(use))
    tried: list[tuple[float, float, np.ndarray]] = []
    for strength in (0.001, 0.003, 0.01, 0.03, 0.1):
        guessed = np.zeros((len(use), 3))
        for fold in range(folds.max() + 1):
            out = folds[use] == fold
            learner = LogisticRegression(C=strength, max_iter=500).fit(gauged[~out], labels[~out])
            guessed[out] = learner.predict_proba(gauged[out])
        tried.append((float(-np.log(guessed[at, labels]).mean()), strength, guessed))
    _, strength, guessed = min(tried, key=lambda trial: trial[0])
    figures = {
        "strength": strength,
        "log_loss": round(float(-np.log(guessed[at, labels]).mean()), 4),
        "log_loss_of_shares": round(float(-np.log(prior[labels]).mean()), 4),
        "accuracy": round(float((guessed.argmax(1) == labels).mean()), 4),
        "ece": round(calibration_error(guessed.max(1), guessed.argmax(1) == labels), 4),
    }
    learner = LogisticRegression(C=strength, max_iter=500).fit(gauged, labels)
    return np.vstack([learner.coef_.T, learner.intercept_]).astype(np.float32), figures


@click.command()
@click.option("--seed", default=7, show_default=True)
@click.option("--out", default=OUT, show_default=False, type=click.Path(path_type=Path), help="The data file.")
@click.option("--folds", default=5, show_default=True)
@click.option("--quick", is_flag=True, help="No cross validation; the temperature stays 1. For trying things out.")
@click.option("--steps", default=70, show_default=True, help="At most so many steps of the optimizer.")
def main(seed: int, out: Path, folds: int, quick: bool, steps: int) -> None:
    """Train, measure, and write the data file."""
    rng = random.Random(seed)
    start = time.perf_counter()
    own = reading.passages()
    passages = own + [
        row["passage"]
        for row in rows(BANK)
        if row["section"] != "Math" and not re.search("_{2}|•|\\||Text 1", row["passage"])
    ]
    samples = [*from_bank(rng), *from_wordings(rng, passages), *from_others(rng, passages)]
    found, labels = table(samples)
    weights = np.array([sample.weight for sample in samples])
    keys = common(found, 4)
    everything = matrix(found, keys)
    print_ = lambda text: click.echo(f"[{time.perf_counter() - start:5.0f} s] {text}", err=True)  # noqa: E731
    print_(f"{len(samples)} texts, {len(keys)} features")
    first = fit(everything, labels, weights, steps)
    strength = np.abs(first.coef_).max(0)
    kept = np.sort(np.argsort(-strength, kind="stable")[:KEEP])
    keys, everything = keys[kept], everything[:, kept]
    figures: dict[str, Any] = {"texts": len(samples), "features": len(keys)}
    temperature, part = 1.0, np.zeros(len(samples), dtype=int)
    shares = softmax(first.decision_function(matrix(found, common(found, 4))))
    if not quick:
        logits = np.zeros((len(samples), UNKNOWN + 1))
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        for fold, (learn, test) in enumerate(split.split(everything, labels, [s.group for s in samples])):
            learner = fit(everything[learn], labels[learn], weights[learn], steps)
            logits[test] = learner.decision_function(everything[test])
            part[test] = fold
            print_(f"fold {fold + 1}: {report(softmax(logits[test]), labels[test])}")
        temperature = best_temperature(logits, labels)
        shares = softmax(logits / temperature)
        figures["left_out"] = report(shares, labels)
        mine = np.array([sample.band is not None for sample in samples])
        figures["left_out_bank"] = report(shares[mine], labels[mine])
        figures["confusions"] = confusion(shares, labels, samples)
    slopes, figures["difficulty"] = (
        (np.zeros((UNKNOWN + 10, 3)), {}) if quick else fit_difficulty(samples, shares, part)
    )
    final = fit(everything, labels, weights, steps)
    scale = np.abs(final.coef_).max(1) / 127
    packed = np.round(final.coef_ / scale[:, None]).astype(np.int8).T
    out.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        out,
        keys=keys,
        matrix=np.ascontiguousarray(packed),
        scale=scale.astype(np.float32),
        bias=final.intercept_.astype(np.float32),
        temperature=np.float32(temperature),
        threshold=np.float32(0.5),
        difficulty=slopes.astype(np.float32),
    )
    figures["temperature"] = temperature
    figures["bytes"] = out.stat().st_size
    data = model._Weights(dict(np.load(out)))
    checked = held_out()
    probabilities = np.array([data.skills(row) for row in table(checked)[0]])
    unseen = np.array([sample.label for sample in checked])
    figures["held_out"] = report(probabilities, unseen)
    figures["held_out_confusions"] = confusion(probabilities, unseen, checked)
    figures["seconds"] = round(time.perf_counter() - start)
    click.echo(json.dumps(figures, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
