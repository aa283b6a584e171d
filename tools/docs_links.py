"""Checks a built site: every internal link and anchor leads somewhere, and nothing is loaded from another host.

`python tools/docs_links.py build/site` prints what is wrong; exit code 1 if anything is.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

#: Attributes that make a browser load something.
LOADS = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("video", "src"), ("use", "href")}
#: The pages that the generator makes for servers: their links are absolute.
SKIPPED = {"404.html"}


class Page(HTMLParser):
    """What a page links to, what it loads, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links and anchors."""
        named = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := named.get(name))}
        if tag == "a" and (link := named.get("href")):
            self.links.append(link)
        if tag == "link" and (link := named.get("href")) and named.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(link)
        self.loads += [value for name, value in attrs if value and (tag, name) in LOADS]


def check(site: Path) -> list[str]:
    """What is wrong with the site, a sentence each."""
    pages = {str(path.relative_to(site)): Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    problems = [problem for name, page in pages.items() if name not in SKIPPED for problem in _check(site, pages, name)]
    for sheet in site.rglob("*.css"):
        found = re.findall(r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)|@import", sheet.read_text())
        problems += [f"{sheet.relative_to(site)}: loads {url or 'another sheet'}" for url in found]
    return problems


def _check(site: Path, pages: dict[str, Page], name: str) -> list[str]:
    problems = []
    page = pages[name]
    for load in page.loads:
        if urlsplit(load).netloc:
            problems.append(f"{name}: loads {load} from another host")
        elif not load.startswith("data:") and not (site / _path(name, load)).is_file():
            problems.append(f"{name}: loads {load}, which does not exist")
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = _path(name, link)
        if (site / target).is_dir():
            target = f"{target.rstrip('/')}/index.html".lstrip("/")
        if not (site / target).is_file():
            problems.append(f"{name}: the link {link} leads nowhere")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            problems.append(f"{name}: the link {link} has an anchor that its page has not")
    return problems


def _path(name: str, link: str) -> str:
    return unquote(urlsplit(urljoin(f"/{name}", link)).path).lstrip("/")


def main() -> int:
    """Check the site that the command line names."""
    problems = check(Path(sys.argv[1]))
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
