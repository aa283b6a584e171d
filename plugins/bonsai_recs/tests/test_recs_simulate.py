"""The simulation of selection rules, and its targets with fewer students (and so with wider bounds)."""

import json

import pytest
from bonsai_recs import simulate
from bonsai_recs.commands import recs
from bonsai_recs.simulate import Figures, Simulation
from click.testing import CliRunner


@pytest.fixture(scope="module")
def measured() -> dict[str, Figures]:
    simulation = Simulation(students=250, seed=3, repeats=2)
    return {found.rule: found for found in simulate.run(simulation, ["diagnose", "maxinfo", "random"])}


@pytest.mark.timeout(300)
def test_a_diagnosis_is_nearly_as_exact_as_maximum_information_and_far_better_than_chance(
    measured: dict[str, Figures],
) -> None:
    ours = measured["diagnose"]
    assert ours.rmse <= 1.15 * measured["maxinfo"].rmse  # 1.06 with 500 students and 10 repeats
    assert ours.rmse <= 0.72 * measured["random"].rmse
    assert ours.items_to_error <= 0.5 * measured["random"].items_to_error
    assert ours.unfinished == 0.0


def test_no_item_is_shown_to_too_many_and_every_prefix_has_the_blueprints_mix(measured: dict[str, Figures]) -> None:
    ours = measured["diagnose"]
    assert ours.exposure <= 0.32  # .30 with 500 students
    assert ours.exposure_to_error <= 0.32
    assert ours.blueprint_error <= 1.0
    assert measured["maxinfo"].exposure == 1.0


def test_the_posterior_is_honest(measured: dict[str, Figures]) -> None:
    for found in measured.values():
        assert 0.75 <= found.coverage80 <= 0.85
        assert abs(found.bias) < 0.06


def test_the_pool_is_as_agreed() -> None:
    pool = simulate.fixed_pool()
    assert len(pool) == 400
    assert (pool.c == 0).sum() == 60
    assert (abs(pool.c[pool.c > 0] - 0.2) < 1e-6).all()
    assert float(pool.a.mean()) == pytest.approx(1.2, abs=0.1)
    assert float(pool.b.std()) == pytest.approx(1.1, abs=0.1)


def test_the_same_seed_gives_the_same_figures_in_one_process_or_more() -> None:
    simulation = Simulation(students=5, seed=9, repeats=1, items=8)
    once = simulate.run(simulation, ["diagnose", "random"])
    assert simulate.run(simulation, ["diagnose", "random"], jobs=2) == once


def test_the_command_prints_json() -> None:
    arguments = ["simulate", "--students", "5", "--repeats", "1", "--items", "8", "--jobs", "1", "--json"]
    done = CliRunner().invoke(recs, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    [found] = json.loads(done.stdout)["rules"]
    assert found["rule"] == "diagnose"
    assert found["items"] == 8


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(recs, ["simulate", "--rule", "tarot"])
    assert done.exit_code == 2
    assert "diagnose, maxinfo, random" in done.output
