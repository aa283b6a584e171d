"""The plugin's own settings, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DashboardSettings:
    """What bounds the plugin.

    Attributes:
        token_s: how long a demo token lasts, in seconds (`BONSAI_DASHBOARD_TOKEN_S`).
        log: answers that the live log has room for in each interval (`BONSAI_DASHBOARD_LOG`).
    """

    token_s: int = 3600
    log: int = 50

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> DashboardSettings:
        """The settings of this environment; an empty variable counts as not set.

        Raises:
            ValueError: a variable makes no sense; the message names it and what is allowed.
        """
        return cls(
            token_s=_number(environment, "BONSAI_DASHBOARD_TOKEN_S", cls.token_s, 1, 604_800),
            log=_number(environment, "BONSAI_DASHBOARD_LOG", cls.log, 1, 1000),
        )


def _number(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")
    return int(text)
