"""Builds the docs site: `make docs`, or `python tools/docs_site.py [--no-build]`.

Sources are `docs/`, the READMEs of plugins and web packages, and pages made from the code (`tools/docs_reference.py`).
They are staged in `build/docs` and built into `build/site`. A link to a file of the repository becomes a link to its
page; where it has none, its path in the text. A dead link, a dead anchor or any warning fails the build.
"""

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docs_links
import docs_reference

ROOT = Path(__file__).resolve().parent.parent
STAGE = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"
CONFIG = ROOT / "zensical.toml"

#: Files from outside of `docs/` that are pages, by their place in the site.
ADOPTED = {
    "frontend/client.md": "web/client/README.md",
    "frontend/react.md": "web/react/README.md",
    "frontend/nextjs.md": "deploy/nextjs/README.md",
    "changelog.md": "CHANGELOG.md",
}
#: A README in a section would become the section's own page, which its menu does not name.
RENAMED = {"frontend/README.md": "frontend/start.md"}
#: What is at home elsewhere, so that links to it lead somewhere.
ALIASES = {"README.md": "index.md", "bonsai_core/hookspecs.py": "extend/hooks.md"}

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2`*[ \t]*$", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, str]:
    """Every page's place in the site, with the repository's path of what it is made from."""
    found = {str(path.relative_to(ROOT / "docs")): str(path.relative_to(ROOT)) for path in docs_sources()}
    found = {RENAMED.get(place, place): source for place, source in found.items()}
    found |= {place: source for place, source in ADOPTED.items() if (ROOT / source).is_file()}
    for readme in sorted((ROOT / "plugins").glob("*/README.md")):
        found[f"plugins/{readme.parent.name.removeprefix('bonsai_')}.md"] = str(readme.relative_to(ROOT))
    return found


def docs_sources() -> list[Path]:
    """The Markdown files of `docs/`."""
    return sorted((ROOT / "docs").rglob("*.md"))


def generators() -> dict[str, Callable[[], str]]:
    """What is made from the code, by the marker that stands for it in a page: `<!-- made: events -->`."""
    app = docs_reference.everything()
    return {
        "events": lambda: docs_reference.events(app),
        "settings": docs_reference.settings,
        "commands": docs_reference.commands,
        "metrics": lambda: docs_reference.metrics(app),
        "hooks": docs_reference.hooks,
        "plugin hooks": docs_reference.plugin_hooks,
    }


def stage() -> None:
    """Put every source of the site into `build/docs`."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", STAGE, ignore=shutil.ignore_patterns("*.md", "*.py", "__pycache__"))
    made = generators()
    sources = pages()
    places = {source: place for place, source in sources.items()} | ALIASES
    for place, source in sources.items():
        text = (ROOT / source).read_text()
        text = re.sub(r"^<!-- made: ([a-z ]+) -->$", lambda match: made[match[1]](), text, flags=re.MULTILINE)
        target = STAGE / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_outside_of_code(text, lambda part, s=source, p=place: relink(part, s, p, places)))  # type: ignore[misc]


def _outside_of_code(text: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join((*parts, change(text[end:])))


def relink(text: str, source: str, place: str, places: dict[str, str]) -> str:
    """The text with links that hold in the site instead of the repository, and with diagrams put in.

    Args:
        source: the repository's path of the page.
        place: the page's place in the site.
        places: the site's place of each repository path that has one.

    Raises:
        SystemExit: a link leads nowhere.
    """

    def one(match: re.Match[str]) -> str:
        picture, words, target = match[1], match[2], match[3]
        if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
            return match[0]
        path, _, fragment = target.partition("#")
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if picture and inside.startswith("docs/diagrams/"):
            return diagram(ROOT / inside, words)
        if inside in places:
            to = posixpath.relpath(places[inside], posixpath.dirname(place) or ".")
            return f"{picture}[{words}]({to}{'#' + fragment if fragment else ''})"
        if not (ROOT / inside).exists():
            raise SystemExit(f"{source}: the link to {target} leads nowhere")
        if picture or (inside.startswith("docs/") and not inside.endswith("/") and (ROOT / inside).is_file()):
            to = posixpath.relpath(inside.removeprefix("docs/"), posixpath.dirname(place) or ".")
            return f"{picture}[{words}]({to})"
        if words.strip("`").rstrip("/") == inside.rstrip("/"):
            return f"`{inside}`"
        return f"{words} (`{inside}`)"

    return _LINK.sub(one, text)


def diagram(file: Path, about: str) -> str:
    """An SVG as part of the page, so that it takes on the page's colours."""
    svg = re.sub(r"<\?xml.*?\?>|<!--.*?-->|<style>.*?</style>", "", file.read_text(), flags=re.DOTALL).strip()
    svg = re.sub(r"\n\s*", " ", svg).replace("<svg ", f'<svg role="img" aria-label="{about}" ', 1)
    return f'<figure class="diagram">{svg}</figure>'


def build() -> int:
    """Build what is staged; returns the number of problems."""
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", str(CONFIG)]
    output = subprocess.PIPE
    done = subprocess.run(command, cwd=CONFIG.parent, stdout=output, stderr=subprocess.STDOUT, text=True, check=False)
    warned = [line for line in done.stdout.splitlines() if re.search(r"^griffe:|warning|error", line, re.IGNORECASE)]
    if done.returncode or warned:
        print(done.stdout)
        return max(1, len(warned))
    problems = docs_links.check(SITE)
    for problem in problems:
        print(problem)
    return len(problems)


def main() -> int:
    """Stage and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-build", action="store_true", help="only stage")
    stage()
    if parser.parse_args().no_build:
        return 0
    problems = build()
    if not problems:
        folder = SITE.relative_to(ROOT)
        print(f"the docs site is in {folder}; with its search: python3 -m http.server --directory {folder} 8000")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
