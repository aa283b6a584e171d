"""A table of questions of known difficulty: made by the fitting script from recorded answers, looked up by the replay.

Questions are kept by a hash of id and skill, each with a difficulty and its uncertainty: seven bytes in
base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bonsai_analytics.model.learner import Known

SHIPPED = Path(__file__).parent.parent / "data" / "items.json"

_ENTRY = struct.Struct("<IhB")
#: A difficulty is kept in hundredths of a logit, the standard deviation in hundredths.
_SCALE = 100.0
_MOST = 30.0


def key(question: str, skill: str) -> int:
    """A 32-bit hash of a question under a skill; 20,000 entries take one in 200,000 strangers for one of theirs."""
    name = f"{len(question)}:{question}{skill}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=4).digest(), "little")


class KnownItems:
    """The table.

    Args:
        entries: key -> what is known.
    """

    def __init__(self, entries: dict[int, Known]) -> None:
        self._entries = entries
        self._cache: dict[tuple[str, str], Known | None] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __call__(self, question: str, skill: str) -> Known | None:
        """What is known of a question."""
        place = (question, skill)
        try:
            return self._cache[place]
        except KeyError:
            found = self._cache[place] = self._entries.get(key(question, skill))
            return found

    @classmethod
    def of(cls, items: Iterable[tuple[str, str, float, float]]) -> KnownItems:
        """From (question, skill, difficulty, variance), rounded as they will be read."""
        return cls({key(q, s): _rounded(d, v) for q, s, d, v in items})

    def write(self, path: Path, **about: Any) -> None:
        """Write to a JSON file; the same table gives the same bytes."""
        packed = b"".join(
            _ENTRY.pack(k, round(e.difficulty * _SCALE), round(math.sqrt(e.variance) * _SCALE))
            for k, e in sorted(self._entries.items())
        )
        path.write_text(json.dumps({"about": about, "items": base64.b64encode(packed).decode()}, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> KnownItems:
        """Read from a JSON file."""
        packed = base64.b64decode(json.loads(path.read_text())["items"])
        return cls({k: Known(d / _SCALE, (s / _SCALE) ** 2) for k, d, s in _ENTRY.iter_unpack(packed)})


def _rounded(difficulty: float, variance: float) -> Known:
    d = round(max(-_MOST, min(_MOST, difficulty)) * _SCALE) / _SCALE
    s = min(max(round(math.sqrt(variance) * _SCALE), 1), 255) / _SCALE
    return Known(d, s * s)
