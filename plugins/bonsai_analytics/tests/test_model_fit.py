"""Fitting: the same files give the same constants, and those of a known truth are found."""

import json
import math
import random
from array import array
from pathlib import Path

import pytest
from bonsai_analytics.model import known
from bonsai_analytics.model.constants import Constants, shipped
from bonsai_analytics.model.fit import FOLDS, Rows, fit, fit_layer, fold_of, history_rates, solve
from bonsai_analytics.model.known import KnownItems
from bonsai_analytics.model.learner import FEATURES, WEIGHTS, Learner
from bonsai_analytics.model.predict import figures, forecasts
from bonsai_analytics.model.simulated import answers as simulate
from bonsai_analytics.model.simulated import chance
from bonsai_analytics.offline import analytics
from bonsai_analytics.recorded import Row
from click.testing import CliRunner


def written(path: Path, answers: list[Row]) -> Path:
    lines = [f"{r.user},{r.question},{r.skill},{r.correct:d},{r.seconds}\n" for r in answers]
    path.write_text("user,question,skill,correct,seconds\n" + "".join(lines))
    return path


def test_the_layer_finds_the_weights_that_made_the_outcomes() -> None:
    rng, made = random.Random(3), Rows()
    truth = {"logit": 0.8, "mid": -0.5, "streak": 0.3}
    more = {"has*": 0.4, "known*logit": 0.5}
    for regime in range(3):
        for _ in range(4_000):
            x = [rng.gauss(0, 1) for _ in FEATURES]
            z = -0.3 + sum(weight * x[FEATURES.index(name)] for name, weight in truth.items())
            z += more["has*"] * (regime > 0) + more["known*logit"] * (regime == 2) * x[FEATURES.index("logit")]
            for column, value in zip(made.columns[regime], [*x, 1.0], strict=True):
                column.append(value)
            made.outcomes[regime].append(rng.random() < chance(z))
            made.weights[regime].append(1.0)
    bias, weights = fit_layer(made)
    assert bias == pytest.approx(-0.3, abs=0.12)
    for name, value in (truth | more).items():
        assert weights[name] == pytest.approx(value, abs=0.12), name
    assert all(abs(weights.get(name, 0.0)) < 0.15 for name in WEIGHTS if name not in truth | more)


def test_a_fit_makes_predictions_better_and_is_the_same_again() -> None:
    answers, truth = simulate(users=80, each=30, items=150)
    half = [row for row in answers if fold_of(row.user) < 3]
    rest = [row for row in answers if fold_of(row.user) >= 3]
    constants, table = fit([half])
    assert fit([half])[0] == constants
    y = [row.correct for row in rest]
    before = figures([f.p for f in forecasts(rest, Learner(Constants()))], y)
    after = figures([f.p for f in forecasts(rest, Learner(constants), table)], y)
    assert after["logLoss"] < before["logLoss"] - 0.003
    assert after["ece"] < 0.08
    found = [(truth[q], entry.difficulty) for q in truth for n in range(8) if (entry := table(q, f"skill {n}"))]
    assert len(found) > 120
    assert correlation(found) > 0.75


def test_history_rates_are_rates_of_the_next_answer() -> None:
    answers = [Row("u", "", "a", n % 2 == 1) for n in range(4000)]  # wrong, right, wrong, right, ...
    rates = history_rates([answers])
    wrong_right_wrong, right_wrong_right = 0 * 9 + 2 * 3 + 0, 2 * 9 + 0 * 3 + 2
    assert rates[wrong_right_wrong] > 0.9
    assert rates[right_wrong_right] < 0.1
    assert all(0 < rate < 1 for rate in rates)


def test_users_are_dealt_evenly_to_folds() -> None:
    counts = [0] * FOLDS
    for number in range(2000):
        counts[fold_of(f"user {number}")] += 1
    assert all(330 < count < 470 for count in counts)


def test_a_system_is_solved() -> None:
    matrix = [[4.0, 2.0, 0.5], [2.0, 3.0, 0.2], [0.5, 0.2, 1.0]]
    x = [1.0, -2.0, 3.0]
    right = [sum(a * b for a, b in zip(row, x, strict=True)) for row in matrix]
    assert solve(matrix, right) == pytest.approx(x)


def test_the_command_fits_and_the_replay_predicts_with_it(tmp_path: Path) -> None:
    answers, _ = simulate(users=30, each=30, seconds=True)
    file = written(tmp_path / "a.csv", answers)
    constants, items, out = tmp_path / "c.json", tmp_path / "i.json", tmp_path / "p.csv.gz"
    run = CliRunner().invoke
    fitted = run(analytics, ["fit", str(file), "--out", str(constants), "--items", str(items)])
    assert fitted.exit_code == 0, fitted.output
    assert json.loads(constants.read_text())["about"]["answers"] == [900]
    more = ["--constants", str(constants), "--items", str(items)]
    shown = run(analytics, ["replay", str(file), "--predict", str(out), "--json", *more])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["known"] > 0.9


def correlation(pairs: list[tuple[float, float]]) -> float:
    xs, ys = array("d", (x for x, _ in pairs)), array("d", (y for _, y in pairs))
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    covariance = sum((x - mx) * (y - my) for x, y in pairs)
    return covariance / math.sqrt(sum((x - mx) ** 2 for x in xs) * sum((y - my) ** 2 for y in ys))


def test_predictions_stand_next_to_the_answers_in_order(tmp_path: Path) -> None:
    answers, _ = simulate(users=4, each=10, seconds=True)
    answers[3] = Row("u0", "", "skill 1", True, 12.0)
    file, out = written(tmp_path / "a.csv", answers), tmp_path / "p.csv"
    shown = CliRunner().invoke(analytics, ["replay", str(file), "--predict", str(out), "--cold"])
    assert shown.exit_code == 0, shown.output
    assert "AUC" in shown.stdout
    assert "microseconds of processor time an answer" in shown.stdout
    head, *lines = out.read_text().splitlines()
    assert head == "user,question,skill,correct,seconds,p"
    expected = [forecast.p for forecast in forecasts(answers, Learner(shipped()))]
    for line, row, p in zip(lines, answers, expected, strict=True):
        user, question, skill, correct, seconds, told = line.split(",")
        assert (user, question, skill, correct) == (row.user, row.question, row.skill, str(int(row.correct)))
        assert (float(seconds), float(told)) == pytest.approx((row.seconds, p), abs=1e-6)


def test_answers_before_help_to_predict(tmp_path: Path) -> None:
    answers, _ = simulate(users=120, each=40, items=600)
    before, after = written(tmp_path / "a.csv", answers[:4000]), written(tmp_path / "b.csv", answers[4000:])
    auc = []
    for more in ([], ["--after", str(before)]):
        shown = CliRunner().invoke(analytics, ["replay", str(after), "--json", "--cold", *more])
        assert shown.exit_code == 0, shown.output
        auc.append(json.loads(shown.stdout)["auc"])
    assert auc[1] > auc[0] + 0.02


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["replay", "EMPTY"], "has no answers"),
        (["replay", "BAD"], "`correct` must be 0 or 1"),
        (["replay", "GOOD", "--cold", "--items", "GOOD"], "exclude one another"),
        (["fit", "GOOD"], "Missing option '--out'"),
        (["report", "ada", "--utc-offset", "7"], "quarters of an hour"),
    ],
)
def test_wrong_arguments_are_told(tmp_path: Path, arguments: list[str], why: str) -> None:
    files = {"EMPTY": "user,question,skill,correct\n", "BAD": "1,q,a,maybe\n", "GOOD": "1,q,a,1\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    shown = CliRunner().invoke(analytics, [str(tmp_path / a) if a in files else a for a in arguments])
    assert shown.exit_code in (1, 2)
    assert why in shown.output
    assert "Traceback" not in shown.output


def test_the_shipped_constants_are_from_a_fit() -> None:
    constants = shipped()
    assert set(constants.weights) <= set(WEIGHTS)
    assert constants.weights["logit"] > 0.2
    assert len(constants.history_rates) == 27
    assert len(KnownItems.read(known.SHIPPED)) > 10_000
