"""What is published: what each wheel holds, that it works in a clean environment, and that the others work without it.

Each plugin's own suite runs from its installed wheel, alone with the core, in `tools/run_tests.py`.
"""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from bonsai_core.scaffold import core_range
from tests.contract_faults import EXAMPLES, load_file

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
MEMBERS = [ROOT, *PLUGINS]
#: Written by machines into a source tree, or nothing that a user of the package needs.
STRAY = re.compile(r"(^|/)(tests?|__pycache__|\.[^/]+|node_modules)(/|$)|\.(pyc|db|map|log|toml\.lock)$")
#: Where the core keeps a plugin's tests for `bonsai new` to copy.
TEMPLATE = "bonsai_core/scaffold/package/tests/"

each_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name if member != ROOT else "core")
each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)

alone: ModuleType = load_file(ROOT / "tools" / "alone.py")


def package_of(member: Path) -> str:
    return "bonsai_core" if member == ROOT else member.name


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each member's wheel, by its package's name."""
    folder = tmp_path_factory.mktemp("wheels")

    def build(member: Path) -> Path:
        wheel: Path = alone.build_wheel(member, folder / package_of(member))
        return wheel

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(map(package_of, MEMBERS), pool.map(build, MEMBERS), strict=True))


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


# What is in them


def test_the_index_would_take_every_wheel(wheels: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, wheels.values())]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert len(re.findall("PASSED", checked.stdout)) == len(MEMBERS)


@each_member
def test_a_wheel_holds_the_package_and_nothing_else(member: Path, wheels: dict[str, Path]) -> None:
    package = package_of(member)
    with zipfile.ZipFile(wheels[package]) as archive:
        held = set(archive.namelist())
        licence = [name for name in held if name.endswith(".dist-info/licenses/LICENSE")]
        assert [archive.read(name) for name in licence] == [(ROOT / "LICENSE").read_bytes()]
    files = {name for name in held if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in files} == {package}
    assert f"{package}/py.typed" in files
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", package],
        cwd=member,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {name for name in kept if (member / name).is_file()} <= files, "a file of the package is left out"
    built = {name for name in files if name.startswith("bonsai_dashboard/static/")}  # by `make web`, not in git
    assert files - set(kept) - built == set()
    assert [name for name in files if STRAY.search(name) and not name.startswith(TEMPLATE)] == []


@each_member
def test_a_wheel_says_what_it_is(member: Path, wheels: dict[str, Path]) -> None:
    told, core = metadata_of(wheels[package_of(member)]), metadata_of(wheels["bonsai_core"])
    assert told["Name"] == package_of(member).replace("_", "-")
    assert (told["Requires-Python"], told["License-Expression"]) == (">=3.11", "Apache-2.0")
    assert told["Summary"] and told["Description-Content-Type"] == "text/markdown"
    assert len(str(told.get_payload())) > 500, "the README is its description"
    own, common = told.get_all("Classifier") or [], set(core.get_all("Classifier") or [])
    assert common - {"Framework :: aiohttp"} <= set(own)
    pythons = {Version(line.rpartition(" ")[2]) for line in own if re.search(r":: 3\.\d+$", line)}
    assert min(pythons) == Version("3.11"), "the oldest Python that it requires is one that it names"
    for line in told.get_all("Project-URL") or []:
        assert re.fullmatch(r"[\w ]+, https://\S+", line)


@each_member
def test_a_member_has_a_changelog_that_knows_its_version(member: Path) -> None:
    text = (member / "CHANGELOG.md").read_text()
    version = str(alone.declared(member)["version"])
    sections = re.findall(r"^## \[?([^\]\s]+)", text, re.MULTILINE)
    assert sections, "it has sections"
    assert sections[0] == "Unreleased" or sections[0] == version
    tagged = [str(v) for v in alone.released_cores()] if member == ROOT else []
    assert [version for version in tagged if version not in sections] == [], "a release has a section of its own"


def test_this_core_is_one_that_every_plugin_allows() -> None:
    for plugin in PLUGINS:
        assert alone.oldest_core(plugin, [], alone.this_core()) == alone.this_core()


def test_our_plugins_allow_what_a_new_plugin_would() -> None:
    allowed, _ = core_range(str(alone.this_core()))
    for plugin in PLUGINS:
        assert allowed in alone.declared(plugin)["dependencies"], plugin.name
    assert f'dependencies = ["{allowed}"]' in (ROOT / "docs" / "versions.md").read_text()


# The oldest core that a plugin allows


def plugin_that_allows(specifier: str, folder: Path) -> Path:
    folder.mkdir()
    project = f'[project]\nname = "bonsai-x"\nversion = "1"\ndependencies = ["bonsai-core{specifier}", "pydantic>=2"]\n'
    (folder / "pyproject.toml").write_text(project)
    return folder


@pytest.mark.parametrize(
    ("specifier", "oldest"),
    [(">=0.1,<0.2", "0.1.0"), (">=0.1.2,<0.2", "0.1.2"), (">=0.1,!=0.1.0,<0.2", "0.1.2"), (">=0.1.3,<0.2", "0.1.3")],
)
def test_the_oldest_core_that_a_plugin_allows_is_found(specifier: str, oldest: str, tmp_path: Path) -> None:
    plugin = plugin_that_allows(specifier, tmp_path / "bonsai_x")
    released = [Version(text) for text in ("0.0.9", "0.1.0", "0.1.2")]
    assert str(alone.oldest_core(plugin, released, Version("0.1.3"))) == oldest


def test_a_plugin_that_leaves_out_this_core_is_told(tmp_path: Path) -> None:
    plugin = plugin_that_allows(">=0.1,<0.2", tmp_path / "bonsai_x")
    with pytest.raises(SystemExit, match=r"bonsai_x allows bonsai-core.*leaves out this one, 0\.2\.0"):
        alone.oldest_core(plugin, [Version("0.1.0")], Version("0.2.0"))


def test_a_released_core_is_taken_from_its_tag(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    package = repository / "bonsai_core"
    package.mkdir(parents=True)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(repository)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for version in ("0.1.0", "0.1.1"):
        (package / "__init__.py").write_text(f'VERSION = "{version}"\n')
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", version], check=True)
        subprocess.run([*git, "tag", f"bonsai-core-{version}"], check=True)
    subprocess.run([*git, "tag", "bonsai-core-new"], check=True)
    assert alone.released_cores(repository) == [Version("0.1.0"), Version("0.1.1")]
    folder = alone.core_folder(Version("0.1.0"), tmp_path / "core", repository)
    assert (folder / "bonsai_core" / "__init__.py").read_text() == 'VERSION = "0.1.0"\n'
    assert alone.core_folder(alone.this_core(), tmp_path / "unused") == ROOT


# In a clean environment

#: Runs in the clean environment: `bonsai plugins`, then a server with whatever is installed, and how it is.
PROBE = """
import asyncio, json
from click.testing import CliRunner
from bonsai_core.cli import cli
from bonsai_core.testing.server import StartServer

async def main():
    listed = CliRunner().invoke(cli, ["plugins", "--json"])
    start = StartServer()
    server = await start(discover=True)
    device = await server.connect()
    await device.sync()
    told = {
        "code": listed.exit_code,
        "listed": json.loads(listed.stdout),
        "plugins": {name: told["status"] for name, told in (await server.app.health())["plugins"].items()},
        "failures": {r.name: r.guard.failures.last for r in server.app.plugins.loaded() if r.guard.failures.total},
        "events": sorted(server.app.plugins.routes),
    }
    await start.stop_all()
    print(json.dumps(told))

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def clean(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """An environment with the core and what all plugins need; and where each plugin is installed, for its path."""
    home = tmp_path_factory.mktemp("clean")
    roots = [Requirement(line) for member in MEMBERS for line in alone.declared(member)["dependencies"]]
    python, _ = alone.bare(home / "env", roots)
    alone.install(python, [wheels["bonsai_core"]])
    installed = {plugin.name: home / plugin.name for plugin in PLUGINS}
    for name, folder in installed.items():
        alone.install(python, [wheels[name]], "--target", str(folder))
    return python, installed


def run_clean(python: Path, folders: Iterable[Path], cwd: Path, *arguments: str) -> str:
    """What the clean environment's interpreter prints, with these plugins and none of the settings here."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, folders)), "BONSAI_VISION_WORKERS": "1"}
    done = subprocess.run(
        [str(python), *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def probe(python: Path, folders: Iterable[Path], cwd: Path) -> dict[str, Any]:
    (cwd / "probe.py").write_text(PROBE)
    told: dict[str, Any] = json.loads(run_clean(python, folders, cwd, "probe.py").splitlines()[-1])
    return told


@each_plugin
def test_the_others_work_without_a_plugin_that_is_uninstalled(
    plugin: Path, clean: tuple[Path, dict[str, Path]], tmp_path: Path
) -> None:
    python, installed = clean
    others = {name: folder for name, folder in installed.items() if name != plugin.name}
    told = probe(python, others.values(), tmp_path)
    assert told["plugins"] == {name.removeprefix("bonsai_"): "loaded" for name in others}
    assert told["failures"] == {}
    assert told["code"] == 0
    assert {row["name"]: row["status"] for row in told["listed"]} == told["plugins"]
    assert {row["distribution"] for row in told["listed"]} == {name.replace("_", "-") for name in others}
    assert not [row["error"] for row in told["listed"] if row["error"]]


def test_the_core_alone_starts_and_has_no_plugins(clean: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    told = probe(clean[0], [], tmp_path)
    assert (told["plugins"], told["listed"], told["code"]) == ({}, [], 0)
    assert {event.partition(":")[0] for event in told["events"]} <= {"session", "user", "auth", "room"}


@pytest.mark.parametrize("name", ["recs", "vision"])
def test_another_package_takes_a_plugins_place(name: str, clean: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    python, installed = clean
    wheel = alone.build_wheel(EXAMPLES / f"acme_{name}", tmp_path / "wheels")
    alone.install(python, [wheel], "--target", str(tmp_path / "acme"))
    others = [folder for member, folder in installed.items() if member != f"bonsai_{name}"]
    told = probe(python, [*others, tmp_path / "acme"], tmp_path)
    assert told["failures"] == {}
    assert told["plugins"].keys() == {member.removeprefix("bonsai_") for member in installed}
    assert {row["distribution"] for row in told["listed"] if row["name"] == name} == {f"acme-{name}"}


HEAVY = {
    *("numpy", "cv2", "onnxruntime", "rapidocr", "PIL", "rapidfuzz", "sklearn", "sympy", "fsrs"),
    *("redis", "aiohttp", "click", "multiprocessing"),
}


@each_plugin
def test_importing_an_entry_point_loads_nothing_heavy(plugin: Path, clean: tuple[Path, dict[str, Path]]) -> None:
    python, installed = clean
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    (entry,) = project["entry-points"]["bonsai.plugins"].values()
    module, _, name = entry.partition(":")
    code = f"import sys, {module}; {module}.{name}(); print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    loaded = set(run_clean(python, [installed[plugin.name]], plugin, "-P", "-c", code).split())
    assert plugin.name in loaded
    assert loaded & HEAVY == set()


@each_member
def test_what_a_wheel_requires_is_capped_where_it_is_ours(member: Path, wheels: dict[str, Path]) -> None:
    told = metadata_of(wheels[package_of(member)])
    required = [Requirement(line) for line in told.get_all("Requires-Dist") or []]
    ours = [str(requirement) for requirement in required if requirement.name.startswith("bonsai")]
    assert ours == ([] if member == ROOT else ["bonsai-core<0.2,>=0.1"])
    assert all(requirement.url is None for requirement in required)
