"""Screenshots that are kept because their sender asked for it and the operator gave a folder for them.

`FOLDER/<hash of the user>/<hash of the picture>.png`: for `bonsai vision evaluate`, and to look into a complaint. No
user's name is in a path, the same picture is one file, and of each user only the newest are kept.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from bonsai_vision.picture import kind_of


def keep(folder: Path, user: str, key: str, data: bytes, most: int) -> Path:
    """Write a picture, whole or not at all, and delete the user's oldest ones beyond `most`. Blocks.

    Args:
        key: the name that the picture's content gives it.

    Raises:
        OSError: it cannot be written.
    """
    own = folder / hashlib.sha256(user.encode()).hexdigest()[:24]
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = own / f"{key}.{(kind_of(data) or 'bin').lower()}"
    temporary = own / f".{secrets.token_hex(6)}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    kept = sorted((p for p in own.iterdir() if not p.name.startswith(".")), key=lambda p: p.stat().st_mtime_ns)
    for old in kept[: max(len(kept) - most, 0)]:
        old.unlink(missing_ok=True)
    return path
