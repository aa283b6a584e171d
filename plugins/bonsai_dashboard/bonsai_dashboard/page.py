"""The built page in memory: each file with its type, its ETag and its gzipped form."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
#: A compressed form is kept where it saves at least this share.
WORTH_IT = 0.1

#: What the system's own table may lack or have otherwise.
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".webmanifest": "application/json"}

MISSING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Bonsai Real-Time: no page yet</title>
<h1>The server runs; its page was not built</h1>
<p>Everything else works: see <a href="readyz">how it is</a> and <a href="asyncapi.json">every event</a>.</p>
<p>The page is built by Node.js 18.19 or newer. In a checkout, install that and run</p>
<pre>make web</pre>
<p>then load this page again. An installed bonsai-dashboard brings the page with it.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page.

    Attributes:
        zipped: it gzipped, or None where that is not worth it.
        etag: as the header has it, quotes included.
        lasting: its name changes with its content, so it may be cached for ever.
    """

    content: bytes
    zipped: bytes | None
    type: str
    etag: str
    lasting: bool


@dataclass(frozen=True, slots=True)
class Page:
    """All files by path, with slashes, below the page's folder; and when the page was built."""

    files: dict[str, File]
    built: int

    @property
    def complete(self) -> bool:
        """Whether there is a page at all."""
        return INDEX in self.files


def built_at(folder: Path) -> int:
    """When the page in `folder` was built, in ns since the epoch; 0: never."""
    try:
        return (folder / INDEX).stat().st_mtime_ns
    except OSError:
        return 0


def load(folder: Path) -> Page:
    """Read and compress every file: some tenths of a second, so not on the event loop."""
    built = built_at(folder)
    files = {}
    for path in sorted(folder.rglob("*")) if built else ():
        if path.is_file() and not path.name.startswith("."):
            name = path.relative_to(folder).as_posix()
            files[name] = make_file(name, path.read_bytes())
    return Page(files, built)


def make_file(name: str, content: bytes) -> File:
    """A file as it is served."""
    kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    zipped = gzip.compress(content, 9, mtime=0)
    return File(
        content=content,
        zipped=zipped if len(zipped) < len(content) * (1 - WORTH_IT) else None,
        type=kind,
        etag=f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"',
        lasting=name.startswith("assets/"),
    )
