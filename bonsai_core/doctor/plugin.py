"""Checks of the plugins: do they load, do they get along, do they have what they need?"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import structlog

from bonsai_core.doctor import Finding, ok, problem, warning
from bonsai_core.settings import Settings


def loading(settings: Settings) -> Iterator[Finding]:
    """Which plugins load, which do not, and which want the same event?"""
    from bonsai_core.plugins import CORE, PluginConflict, PluginError, Plugins

    found = Plugins(settings.plugins, settings.plugins_disabled)
    # What is logged meanwhile is what is reported here.
    with structlog.testing.capture_logs(), _quiet():
        try:
            found.discover(settings.plugins_dir)
        except PluginConflict:
            pass
        except PluginError as error:
            yield problem(str(error), "Its plugins are missing.", "Create the folder, or correct BONSAI_PLUGINS_DIR.")
            return
    names = [*settings.plugins, *settings.plugins_disabled]
    unknown = [name for name in names if name not in found.records]
    for name in unknown:
        yield warning(
            f"BONSAI_PLUGINS or BONSAI_PLUGINS_DISABLED names {name}, which is not installed.",
            "What was meant is not loaded, or not left out.",
            f"Installed: {', '.join(sorted(found.records.keys() - {CORE})) or 'none'}. `bonsai plugins` tells more.",
        )
    for record in found.records.values():
        if record.status != "failed":
            continue
        origin = f"{record.distribution} {record.version}" if record.distribution else record.source
        if "both handle" in (record.error or ""):
            what, _, do = (record.error or "").partition("; ")
            yield problem(
                f"{what[0].upper()}{what[1:]}.",
                "An event has one owner: the server does not start.",
                f"{do[0].upper()}{do[1:]}.",
            )
        else:
            yield problem(
                f"Plugin {record.name} ({origin}) does not load: {record.error}",
                "Its events are answered unknown_event. With BONSAI_STRICT the server does not start.",
                f"Repair or reinstall it, or {record.remedy}.",
            )
    if loaded := [record.name for record in found.loaded()]:
        yield ok(f"{len(loaded)} load: {', '.join(loaded)}.")
    elif not found.records.keys() - {CORE}:
        yield warning(
            "No plugin is installed.",
            "The server then only keeps sessions and devices in step.",
            "Install some (pip install bonsai-analytics bonsai-recs), or write one: bonsai new NAME.",
        )


class _quiet:  # noqa: N801 - used as a statement
    """Nothing that plugins log at import is to stand in the report."""

    def __enter__(self) -> None:
        logging.disable(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        logging.disable(logging.NOTSET)


def requirements(settings: Settings) -> Iterator[Finding]:
    """Are the versions that plugins ask for there?"""
    import importlib_metadata

    from bonsai_core.plugin_sources import sources

    for name in sorted({s.distribution for s in sources() if s.distribution}):
        for text in importlib_metadata.distribution(name).requires or ():
            unmet = _unmet(text)
            if unmet:
                yield problem(
                    f"{name} needs {unmet}.",
                    "It may load and then fail in the middle of an event.",
                    f"Install what it asks for: pip install --upgrade {name}; or pip check to see all.",
                )


def _unmet(text: str) -> str | None:
    """What of a requirement (PEP 508) is not there, in words; None when it is met or not for this environment."""
    import importlib_metadata

    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:  # then versions cannot be compared, but presence can be told
        name = re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]
        if ";" in text:
            return None
        try:
            importlib_metadata.version(name)
        except importlib_metadata.PackageNotFoundError:
            return f"{name}, which is not installed"
        return None
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    try:
        version = importlib_metadata.version(requirement.name)
    except importlib_metadata.PackageNotFoundError:
        return f"{requirement.name}, which is not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name}{requirement.specifier}, but {version} is installed"
    return None
