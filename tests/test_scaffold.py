"""`bonsai new`: what it writes is checked by its own tools, passes its own tests, and works in a server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from bonsai_core import Event, Plugin, Session, on
from bonsai_core.cli import cli
from bonsai_core.scaffold import LONGEST, Names, ScaffoldError, core_range, write_package, write_single_file
from bonsai_core.testing import StartServer

ROOT = Path(__file__).resolve().parent.parent
LONG = "a" + "-long-name" * 3 + "x"


def new(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["new", *map(str, arguments)])


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a program of the workspace's environment prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package("study-plan", tmp_path_factory.mktemp("new"))


def test_a_new_package_passes_its_own_tests(package: Path, tmp_path: Path) -> None:
    pip = ("pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")
    run(*pip, "--no-build-isolation", "--target", tmp_path, package, cwd=tmp_path)
    shown = run("pytest", "-p", "no:cacheprovider", "--timeout=60", cwd=package, PYTHONPATH=str(tmp_path))
    assert re.search(r"^=+ [6-9] passed in", shown, re.MULTILINE), shown


def test_a_new_package_is_strictly_typed(package: Path) -> None:
    assert tomllib.loads((package / "pyproject.toml").read_text())["tool"]["mypy"]["strict"] is True
    cache = ROOT / ".mypy_cache" / "new"
    run("mypy", "--cache-dir", cache, "bonsai_study_plan", "tests", cwd=package, MYPYPATH=str(ROOT))


@pytest.mark.parametrize("name", ["ab", "study-plan", LONG])
def test_what_is_new_is_in_the_agreed_format_however_long_its_name(name: str, tmp_path: Path) -> None:
    made = write_package(name, tmp_path / "package")
    assert "passed" in run("ruff", "check", "--no-cache", cwd=made)
    run("ruff", "format", "--check", "--no-cache", cwd=made)
    file = write_single_file(name, tmp_path / "file")
    ours = ("--no-cache", "--config", ROOT / "pyproject.toml", file)
    run("ruff", "check", *ours, cwd=tmp_path)
    run("ruff", "format", "--check", *ours, cwd=tmp_path)


def test_a_new_package_has_all_that_a_package_needs_and_its_own_names(package: Path) -> None:
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert files >= {
        ".github/workflows/ci.yml",
        ".gitignore",
        "CHANGELOG.md",
        "README.md",
        "bonsai_study_plan/__init__.py",
        "bonsai_study_plan/events.py",
        "bonsai_study_plan/plugin.py",
        "bonsai_study_plan/py.typed",
        "pyproject.toml",
        "tests/test_study_plan.py",
    }
    written = "".join(f"{name}\n{(package / name).read_text()}" for name in files)
    assert not re.search(r"daily.?goal", written, re.IGNORECASE)
    assert not re.search(r"pypi|npmjs|index-url", written)
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"bonsai.plugins": {"study_plan": "bonsai_study_plan.plugin:StudyPlan"}}
    assert project["dependencies"][0] == "bonsai-core>=0.1,<0.2"
    assert not [path for path in package.parent.iterdir() if path != package], "nothing else is left behind"


def test_the_workflow_checks_what_the_readme_tells_and_the_oldest_core(package: Path) -> None:
    workflow = yaml.safe_load((package / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["test"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[1:] == ["ruff check", "ruff format --check", "mypy bonsai_study_plan tests", "pytest"]
    assert commands[0] == 'pip install -e ".[test,lint]" "${{ matrix.core }}"'
    assert job["strategy"]["matrix"]["include"] == [{"python": "3.11", "core": "bonsai-core==0.1.0"}]


class Analytics(Plugin):
    """Emits every answer."""

    name = "analytics"

    @on("analytics:performance")
    async def answered(self, session: Session, event: Event) -> None:
        session.emit("analytics:performance", event.data)


async def test_a_new_single_file_works_in_a_plugins_folder(bonsai_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "my plugins"
    said = new("study-plan", "--single-file", "--directory", folder)
    assert (said.exit_code, [path.name for path in folder.iterdir()]) == (0, ["study_plan.py"])
    assert f"bonsai serve --dev --reload --plugins-dir '{folder}'" in said.output
    server = await bonsai_server(plugins=[Analytics()], plugins_dir=folder, only=["study_plan"])
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    assert (await phone.request("study_plan:set", {"answers": 1}))["reached"] is False
    await phone.request("analytics:performance", {"questionId": "q1"})
    await laptop.sync()
    assert laptop.of("study_plan:progress")[-1]["data"]["reached"] is True


def test_the_command_ends_with_the_next_commands(tmp_path: Path) -> None:
    said = new("study-plan", "--directory", tmp_path).output
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert commands == [
        f"cd {tmp_path}/bonsai-study-plan",
        'pip install -e ".[test,lint]"',
        "pytest",
        "bonsai serve --dev --reload",
        "bonsai connect ws://127.0.0.1:3001 --user ada",
        'study_plan:set {"answers": 3}',
    ]


@pytest.mark.parametrize("more", [[], ["--single-file"]])
def test_nothing_is_overwritten(more: list[str], tmp_path: Path) -> None:
    target = tmp_path / ("study_plan.py" if more else "bonsai-study-plan")
    target.symlink_to(tmp_path / "nowhere")
    said = new("study-plan", "--directory", tmp_path, *more)
    assert said.exit_code == 2
    assert f"{target} is there already, and is not overwritten" in said.output
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = new("study-plan", "--directory", tmp_path / "file" / "below")
    assert said.exit_code == 2
    assert "is not a folder" in said.output


@pytest.mark.parametrize("name", ["", "a", "2nd", "study plan", "study--plan", "../up", "-x", "é", "a" * (LONGEST + 1)])
def test_a_name_that_cannot_be_one_is_refused_with_one_that_can(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="cannot be a plugin's name") as refused:
        write_package(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
    Names.of(str(refused.value).rpartition("try ")[2].strip("'"))


@pytest.mark.parametrize("name", ["analytics", "bonsai-vision", "extension"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ScaffoldError, match=r"there is a plugin .* already; choose another name"):
        Names.of(name)


@pytest.mark.parametrize("name", ["core", "session", "bonsai-user"])
def test_a_name_of_the_cores_is_refused(name: str) -> None:
    with pytest.raises(ScaffoldError, match="belongs to the core"):
        Names.of(name)


def test_names_follow_from_one() -> None:
    names = Names("study_plan", "bonsai_study_plan", "bonsai-study-plan", "StudyPlan")
    assert {Names.of(name) for name in ("study-plan", "study_plan", "bonsai-study-plan", "bonsai_study_plan")} == {
        names
    }
    assert Names.of("progress").class_name == "ProgressPlugin", "the template has a class Progress"
    assert len(LONG) == LONGEST
    assert Names.of(LONG).distribution == f"bonsai-{LONG}"


@pytest.mark.parametrize(
    ("installed", "allowed", "oldest"),
    [
        ("0.1.0", "bonsai-core>=0.1,<0.2", "bonsai-core==0.1.0"),
        ("0.12.3", "bonsai-core>=0.12,<0.13", "bonsai-core==0.12.0"),
        ("1.0.0", "bonsai-core>=1.0,<2", "bonsai-core==1.0.0"),
        ("2.7.1", "bonsai-core>=2.7,<3", "bonsai-core==2.7.0"),
        ("1.3.0rc1", "bonsai-core>=1.3.0rc1,<2", "bonsai-core==1.3.0rc1"),
    ],
)
def test_the_core_is_capped_by_the_versions_policy(installed: str, allowed: str, oldest: str) -> None:
    assert core_range(installed) == (allowed, oldest)
