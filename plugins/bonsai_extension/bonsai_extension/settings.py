"""The plugin's own settings, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExtensionSettings:
    """What bounds the plugin.

    Attributes:
        expires_s: an extension that was not heard of for so many seconds is gone (`BONSAI_EXTENSION_EXPIRES_S`).
        most: extensions of one student at a time (`BONSAI_EXTENSION_MOST`).
    """

    expires_s: int = 120
    most: int = 16

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> ExtensionSettings:
        """The settings of this environment; an empty variable counts as not set.

        Raises:
            ValueError: a variable makes no sense; the message names it and what is allowed.
        """
        return cls(
            expires_s=_number(environment, "BONSAI_EXTENSION_EXPIRES_S", cls.expires_s, 1, 86_400),
            most=_number(environment, "BONSAI_EXTENSION_MOST", cls.most, 1, 100),
        )


def _number(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")
    return int(text)
