"""Makes environments with nothing but the core, some plugins, and what these declare.

The main environment holds every plugin and every library that any of them needs, so it can hide two mistakes: importing
a sibling, and importing a library that only a sibling declares. Here an environment has nothing but

- the wheels of the core and of the plugins, as a user would install them (so a data file left out is missed);
- the closure of the distributions which those and the workspace's ``test`` dependency group declare.

The third-party files are hard links to those of ``.venv``, so this takes seconds and no network.

``tools/alone.py bonsai_recs`` makes the one in which the suite of that plugin runs alone, and prints its interpreter.
With ``--core oldest`` its core is the oldest release that the plugin allows, which is built from its tag in git
(``bonsai-core-0.1.0``).
"""

import argparse
import importlib.metadata
import io
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
CORE = "bonsai-core"


def declared(folder: Path) -> dict[str, object]:
    """The member's ``[project]``."""
    project: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def requirements_of(folder: Path) -> list[Requirement]:
    """What the member in ``folder`` declares: its dependencies and its ``test`` dependency group."""
    text = tomllib.loads((folder / "pyproject.toml").read_text())
    lines = [*text["project"].get("dependencies", []), *text.get("dependency-groups", {}).get("test", [])]
    return [Requirement(line) for line in lines if isinstance(line, str)]


def closure(roots: Iterable[Requirement]) -> set[str]:
    """The canonical names of all installed distributions that ``roots`` need, directly or through others."""
    todo = list(roots)
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        for extra in ["", *requirement.extras]:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for line in importlib.metadata.requires(name) or []:
                child = Requirement(line)
                if child.marker is None or child.marker.evaluate({"extra": extra}):
                    todo.append(child)
    return {name for name, _ in seen}


def files_of(name: str) -> Iterable[tuple[importlib.metadata.PackagePath, Path]]:
    """The files of an installed distribution: where each belongs in ``site-packages``, and where it is.

    Compiled files are among them: they are good wherever their source has the same time of change, as a link has.
    """
    distribution = importlib.metadata.distribution(name)
    for file in distribution.files or []:
        if ".." not in file.parts:
            yield file, Path(str(distribution.locate_file(file)))


def link(name: str, site: Path) -> None:
    """Puts the installed distribution ``name`` into the environment whose packages are in ``site``."""
    for file, source in files_of(name):
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except FileNotFoundError:
            continue  # a compiled file that was cleaned away
        except OSError:
            shutil.copy2(source, target)


def wheel_again(name: str, into: Path) -> Path:
    """Makes a wheel of an installed distribution, so that it can be installed elsewhere without any network."""
    distribution = importlib.metadata.distribution(name)
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    tag = next(line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: "))
    into.mkdir(parents=True, exist_ok=True)
    title = canonicalize_name(distribution.metadata["Name"]).replace("-", "_")
    wheel = into / f"{title}-{distribution.version}-{tag}.whl"
    made_by_pip = {"INSTALLER", "REQUESTED", "direct_url.json", "RECORD"}
    with zipfile.ZipFile(wheel, "w") as archive:
        record, info = [], ""
        for file, source in files_of(name):
            if file.parent.suffix == ".dist-info" and file.name in made_by_pip:
                info = str(file.parent)
                continue
            if file.suffix == ".pyc":
                continue
            archive.write(source, str(file))
            record.append(f"{file},,")
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return wheel


def build_wheel(folder: Path, into: Path) -> Path:
    """Builds the wheel of the member in ``folder``."""
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    built = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if built.returncode:
        raise SystemExit(f"the wheel of {folder.name} could not be built:\n{built.stderr}")
    return max(into.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime_ns)


def this_core() -> Version:
    """The version of the core in this checkout."""
    return Version(str(declared(ROOT)["version"]))


def released_cores(root: Path = ROOT) -> list[Version]:
    """The releases of the core that git has tags of, oldest first."""
    command = ["git", "-C", str(root), "tag", "--list", f"{CORE}-*"]
    listed = subprocess.run(command, check=False, capture_output=True, text=True).stdout.split()
    found = []
    for tag in listed:
        try:
            found.append(Version(tag.removeprefix(f"{CORE}-")))
        except InvalidVersion:
            continue
    return sorted(found)


def oldest_core(plugin: Path, released: Iterable[Version], current: Version) -> Version:
    """The oldest release of the core that a plugin allows; the one of this checkout counts as released.

    Raises:
        SystemExit: it allows not even that one.
    """
    allowed = SpecifierSet()
    for requirement in requirements_of(plugin):
        if canonicalize_name(requirement.name) == CORE:
            allowed &= requirement.specifier
    fitting = [version for version in {*released, current} if allowed.contains(version, prereleases=True)]
    if current not in fitting:
        raise SystemExit(f"{plugin.name} allows bonsai-core{allowed}, which leaves out this one, {current}")
    return min(fitting)


def core_folder(version: Version, into: Path, root: Path = ROOT) -> Path:
    """Where the source of a release of the core is; one that is not this checkout's is written to ``into``."""
    if version == this_core() and root == ROOT:
        return ROOT
    command = ["git", "-C", str(root), "archive", "--format=zip", f"{CORE}-{version}"]
    archive = subprocess.run(command, check=True, capture_output=True).stdout
    shutil.rmtree(into, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(into)
    return into


def bare(home: Path, roots: Iterable[Requirement]) -> tuple[Path, Path]:
    """Makes an environment with the third-party distributions that ``roots`` need.

    Returns:
        Its interpreter, and where its packages are.
    """
    shutil.rmtree(home, ignore_errors=True)
    venv.EnvBuilder(symlinks=True, with_pip=False).create(home)
    site = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for name in closure(roots):
        if not name.startswith("bonsai-"):
            link(name, site)
    return home / "bin" / "python", site


def install(python: Path, wheels: Sequence[Path], *options: str) -> None:
    """Installs wheels into the environment of an interpreter, without what they depend on."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-compile", "--disable-pip-version-check", *options, *map(str, wheels)], check=True)


def make(plugin: Path, core: Version | None = None) -> Path:
    """Makes ``.alone/<plugin>`` anew and returns its interpreter.

    Args:
        core: the version of the core; that of this checkout by default.
    """
    home = ROOT / ".alone" / (plugin.name if core in (None, this_core()) else f"{plugin.name}-with-core-{core}")
    siblings = {CORE, canonicalize_name(plugin.name)}
    for requirement in requirements_of(plugin):
        if (name := canonicalize_name(requirement.name)).startswith("bonsai-") and name not in siblings:
            raise SystemExit(f"{plugin.name} declares {name}: a plugin never depends on a sibling")
    python, _ = bare(home, [*requirements_of(ROOT), *requirements_of(plugin)])
    folder = core_folder(core or this_core(), home / "core")
    install(python, [build_wheel(member, home / "wheels" / member.name) for member in (folder, plugin)])
    return python


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make an environment with the core and a plugin.")
    parser.add_argument("plugin", nargs="+")
    parser.add_argument("--core", metavar="VERSION", help="a released version of the core, or `oldest`")
    given = parser.parse_args()
    for name in given.plugin:
        member = ROOT / "plugins" / name
        oldest = oldest_core(member, released_cores(), this_core())
        print(make(member, oldest if given.core == "oldest" else Version(given.core) if given.core else None))
