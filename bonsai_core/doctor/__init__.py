"""`bonsai doctor`: looks at everything that a server depends on, and says what is wrong and what to do.

A check is a small function of the settings that yields findings. It reads; what it has to write (a probe in the store)
it removes. None prints a secret: findings name settings, never their values, unless `mask_url` has seen them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bonsai_core.settings import Settings

#: `problem` must be mended, `warning` should be looked at, `ok` says what was found in order.
Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        level: how bad it is.
        what: what was found, in a sentence.
        why: why it matters; empty when all is well.
        do: what to do; empty when all is well.
    """

    level: Level
    what: str
    why: str = ""
    do: str = ""


Check = Callable[[Settings], Iterable[Finding]]


def ok(what: str) -> Finding:
    """All is well."""
    return Finding("ok", what)


def warning(what: str, why: str, do: str) -> Finding:
    """It should be looked at."""
    return Finding("warning", what, why, do)


def problem(what: str, why: str, do: str) -> Finding:
    """It must be mended."""
    return Finding("problem", what, why, do)


def checks() -> dict[str, tuple[Check, ...]]:
    """All checks, by what they are about, in the order in which they are shown."""
    from bonsai_core.doctor import machine, network, plugin, secret, store

    return {
        "Settings": (network.settings, network.misspelt),
        "Tokens": (secret.strength, secret.audience, secret.env_file, secret.key_set),
        "Network": (network.port, network.origins, network.proxies, network.development),
        "Storage": (store.storage,),
        "Plugins": (plugin.loading, plugin.requirements),
        "Machine": (machine.files, machine.cores, machine.clock, machine.python),
    }


def examine(settings: Settings) -> Iterator[tuple[str, Finding]]:
    """Run all checks; one that fails itself is a finding too."""
    for group, functions in checks().items():
        for check in functions:
            try:
                yield from ((group, finding) for finding in check(settings))
            except Exception as error:
                name = check.__name__.replace("_", " ")
                yield (
                    group,
                    problem(
                        f"The check of {name} failed itself: {type(error).__name__}",
                        "What it looks at is not known to be in order.",
                        "Please report it as a fault of bonsai-core.",
                    ),
                )
