"""Makes the environment in which one plugin's suite runs alone: the core, that plugin, and what the two declare.

The main environment holds every plugin and every library that any of them needs, so it can hide two mistakes: importing
a sibling, and importing a library that only a sibling declares. Here a plugin gets an environment with nothing but

- the wheels of the core and of the plugin, as a user would install them (so a data file left out of a wheel is missed);
- the closure of the distributions which those two and the workspace's ``test`` dependency group declare.

The third-party files are hard links to those of ``.venv``, so this takes seconds and no network.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def requirements_of(folder: Path) -> list[Requirement]:
    """What the member in ``folder`` declares: its dependencies and its ``test`` dependency group."""
    declared = tomllib.loads((folder / "pyproject.toml").read_text())
    lines = [*declared["project"].get("dependencies", []), *declared.get("dependency-groups", {}).get("test", [])]
    return [Requirement(line) for line in lines]


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


def link(name: str, site: Path) -> None:
    """Puts the installed distribution ``name`` into the environment whose packages are in ``site``."""
    distribution = importlib.metadata.distribution(name)
    for file in distribution.files or []:
        if ".." in file.parts or file.suffix == ".pyc":
            continue
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        source = Path(str(distribution.locate_file(file)))
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def build_wheel(folder: Path, into: Path) -> Path:
    """Builds the wheel of the member in ``folder``."""
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    built = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if built.returncode:
        raise SystemExit(f"the wheel of {folder.name} could not be built:\n{built.stderr}")
    return max(into.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime_ns)


def make(plugin: Path) -> Path:
    """Makes ``.alone/<plugin>`` anew and returns its interpreter."""
    home = ROOT / ".alone" / plugin.name
    shutil.rmtree(home, ignore_errors=True)
    venv.EnvBuilder(symlinks=True, with_pip=False).create(home)
    python = home / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = home / "lib" / version / "site-packages"
    own = {"bonsai-core", canonicalize_name(plugin.name)}
    for name in closure([*requirements_of(ROOT), *requirements_of(plugin)]) - own:
        if name.startswith("bonsai-"):
            raise SystemExit(f"{plugin.name} declares {name}: a plugin never depends on a sibling")
        link(name, site)
    wheels = [build_wheel(folder, home / "wheels" / folder.name) for folder in (ROOT, plugin)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-compile", "--disable-pip-version-check", *map(str, wheels)], check=True)
    return python


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(make(ROOT / "plugins" / name))
