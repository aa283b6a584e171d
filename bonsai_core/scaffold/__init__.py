"""`bonsai new`: writes a plugin to begin with, as a package or as a single file.

The templates are a working plugin, `daily_goal`, in `package/` and `single_file/`: checked and tested like all code
here. To make a new one, its names are replaced.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path

TEMPLATES = Path(__file__).parent
#: Lengths of a plugin's name, in characters.
SHORTEST, LONGEST = 2, 32

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
#: What the core's own events begin with, and what a test run would confuse.
_CORE = frozenset({"ack", "auth", "core", "error", "notice", "ping", "pong", "room", "session", "user"})
_OURS = frozenset({"analytics", "coaching", "dashboard", "extension", "recs", "vision"})
#: Templates whose names cannot be as in the end, for tools would take them for the workspace's own.
_DOTTED = {"gitignore": ".gitignore", "github": ".github"}
_CORE_RANGE = "bonsai-core>=0.1,<0.2"
_OLDEST_CORE = "bonsai-core==0.1.0"


class ScaffoldError(Exception):
    """Nothing was written; the message says why, and what to do."""


@dataclass(frozen=True)
class Names:
    """What a plugin's parts are called.

    Attributes:
        plugin: in settings, logs and events: `study_plan`.
        package: what is imported: `bonsai_study_plan`.
        distribution: what is installed: `bonsai-study-plan`.
        class_name: `StudyPlan`.
    """

    plugin: str
    package: str
    distribution: str
    class_name: str

    @classmethod
    def of(cls, name: str) -> Names:
        """The names that follow from one, such as `study-plan`, `study_plan` or `bonsai-study-plan`.

        Raises:
            ScaffoldError: it cannot be a plugin's name, or is taken.
        """
        plugin = name.removeprefix("bonsai-").removeprefix("bonsai_")
        if not _NAME.fullmatch(plugin) or not SHORTEST <= len(plugin) <= LONGEST:
            example = re.sub(r"[^a-z0-9]+", "-", plugin.lower()).strip("-0123456789")[:LONGEST].rstrip("-")
            raise ScaffoldError(
                f"{name!r} cannot be a plugin's name: it has {SHORTEST} to {LONGEST} small letters, digits and single "
                f"hyphens, and begins with a letter; try {example if len(example) >= SHORTEST else 'study-plan'!r}"
            )
        plugin = plugin.replace("-", "_")
        if plugin in _CORE:
            raise ScaffoldError(f"{plugin!r} belongs to the core, whose events begin so; choose another name")
        taken = any(entry.name == plugin for entry in entry_points(group="bonsai.plugins"))
        if plugin in _OURS or taken or find_spec(f"bonsai_{plugin}") is not None:
            raise ScaffoldError(
                f"there is a plugin {plugin!r} already; choose another name, such as 'my-{plugin.replace('_', '-')}'"
            )
        class_name = "".join(part.capitalize() for part in plugin.split("_"))
        if re.search(rf"\b{class_name}\b", "".join(text for _, text in _texts(TEMPLATES))):
            class_name += "Plugin"  # the template has a class of that name, or imports one
        return cls(plugin, f"bonsai_{plugin}", f"bonsai-{plugin.replace('_', '-')}", class_name)

    def put_into(self, text: str) -> str:
        """A template's text, or path, with these names."""
        for old, new in (
            ("bonsai_daily_goal", self.package),
            ("bonsai-daily-goal", self.distribution),
            ("DailyGoal", self.class_name),
            ("daily_goal", self.plugin),
        ):
            text = text.replace(old, new)
        return text


def core_range(installed: str) -> tuple[str, str]:
    """Which versions of the core a new plugin allows: from the oldest of the same feature release, up to the next
    release that may break it (see docs/versions.md).

    Args:
        installed: the core's version.

    Returns:
        The requirement, such as `bonsai-core>=0.1,<0.2`, and the oldest of them, such as `bonsai-core==0.1.0`.
    """
    found = re.match(r"(\d+)\.(\d+)", installed)
    if found is None:
        raise ScaffoldError(f"the version of bonsai-core, {installed!r}, is not one that plugins can depend on")
    major, minor = int(found[1]), int(found[2])
    following = f"{major + 1}" if major else f"0.{minor + 1}"
    if re.fullmatch(r"[\d.]+", installed):
        return f"bonsai-core>={major}.{minor},<{following}", f"bonsai-core=={major}.{minor}.0"
    return f"bonsai-core>={installed},<{following}", f"bonsai-core=={installed}"  # a pre-release: older than X.Y


def write_package(name: str, directory: Path) -> Path:
    """Write a package: pyproject.toml, the plugin, its tests, README, CHANGELOG, a CI workflow.

    Args:
        name: see `Names.of`.
        directory: where the package's folder goes; made when it is not there.

    Returns:
        The new folder, called as the distribution.

    Raises:
        ScaffoldError: the name will not do, or there is a file or folder of that name.
    """
    names = Names.of(name)
    wanted, oldest = core_range(_core_version())
    target = _free(directory, names.distribution)
    building = Path(tempfile.mkdtemp(prefix=f".{names.distribution}-", dir=directory))
    try:
        for path, text in _texts(TEMPLATES / "package"):
            parts = (_DOTTED.get(part, part) for part in Path(names.put_into(str(path))).parts)
            file = building.joinpath(*parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = names.put_into(text).replace(_CORE_RANGE, wanted).replace(_OLDEST_CORE, oldest)
            file.write_text(text, encoding="utf-8")
        building.chmod(0o777 & ~_umask())
        building.rename(target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return target


def write_single_file(name: str, directory: Path) -> Path:
    """Write a plugin in a single file, for `--plugins-dir`.

    Args:
        name: see `Names.of`.
        directory: where the file goes; made when it is not there.

    Returns:
        The new file, called as the plugin.

    Raises:
        ScaffoldError: the name will not do, or there is a file or folder of that name.
    """
    names = Names.of(name)
    target = _free(directory, f"{names.plugin}.py")
    ((_, text),) = _texts(TEMPLATES / "single_file")
    with target.open("x", encoding="utf-8") as file:
        file.write(names.put_into(text))
    return target


def _free(directory: Path, name: str) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ScaffoldError(f"{directory} is not a folder") from None
    target = directory / name
    if os.path.lexists(target):
        raise ScaffoldError(f"{target} is there already, and is not overwritten; choose another name or --directory")
    return target


def _texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files of a template, by their paths in it."""
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        caches = any(part.startswith((".", "__pycache__")) for part in path.parts)
        if file.is_file() and not caches and file.parent != TEMPLATES:
            yield path, file.read_text(encoding="utf-8")


def _core_version() -> str:
    try:
        return version("bonsai-core")
    except PackageNotFoundError:
        raise ScaffoldError("bonsai-core is not installed, so its version is not known: pip install it first") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
