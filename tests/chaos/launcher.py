"""Starts the server for a chaos run, with a deliberate bug when SABOTAGE names one.

The bugs are patched in here, from outside: the product has no switch for them. A checker that does not find them
would find nothing else either.
"""

from __future__ import annotations

import os
from typing import Any

from bonsai_core import cli
from bonsai_core.store import sqlite_units
from bonsai_core.store.base import Mark, Unit

#: Of how many units with room messages one loses them.
ONE_IN = 97


def skip_marks() -> None:
    """Duplicate marks are not written, and so a resend takes effect again."""

    def _mark(self: sqlite_units.UnitWriter, user: str, mark: Mark) -> None:
        pass

    sqlite_units.UnitWriter._mark = _mark  # type: ignore[method-assign]


def skip_log_entry() -> None:
    """Now and then a unit of work commits without its room message."""
    apply = sqlite_units.UnitWriter.apply
    seen = 0

    def forgetful(self: sqlite_units.UnitWriter, unit: Unit) -> Any:
        nonlocal seen
        if unit.messages:
            seen += 1
            if seen % ONE_IN == 0:
                unit.messages.clear()
        return apply(self, unit)

    sqlite_units.UnitWriter.apply = forgetful  # type: ignore[method-assign]


SABOTAGES = {"skip_marks": skip_marks, "skip_log_entry": skip_log_entry}


if __name__ == "__main__":
    if name := os.environ.get("SABOTAGE"):
        SABOTAGES[name]()
    cli.main()
