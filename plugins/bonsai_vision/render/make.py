"""Makes test screenshots in real Chromium, each with a truth file: `python render/make.py OUT --count 300 --seed 1`.

`NNN.png|jpg|webp` is the picture, `NNN.json` the truth: `kind` (`question` or `other`), `section`, `domain`, `skill`,
`band`, `id`, `template`, `source` (name of the questions' file), `typed`, `figure`; and what is truly visible, measured
in the page: `text` (all words in reading order, without the choices' letters and the figure's labels), `passage`,
`stem`, `choices`, `figure_text`; `boxes` in pixels of the picture; `words` (how many the question has), `hidden` and
`partial` (how many of them are cut off, and half cut off); `style` (everything that was drawn from the seed). The same
seed, fonts and Chromium give the same pictures.
"""

from __future__ import annotations

import io
import json
import random
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import click
from content import Pieces, other, question
from pages import MONO, SANS, SERIF, STYLES, Look, draw_look, page

HERE = Path(__file__).parent
BANK = HERE.parents[1] / "bonsai_recs" / "bonsai_recs" / "data" / "bank.jsonl"
UNSEEN = HERE / "unseen.jsonl"
OTHERS = HERE / "others.jsonl"
TRUTH = (HERE / "truth.js").read_text()
FAMILIES = (("serif", SERIF, "serif"), ("sans", SANS, "sans-serif"), ("mono", MONO, "monospace"))
Row = dict[str, Any]

_INSTALLED = """names => names.filter(name => {
  const pen = document.createElement("canvas").getContext("2d");
  const width = family => { pen.font = `40px ${family}`; return pen.measureText("mmmwwwiiil 0123 Qg&").width; };
  return ["serif", "sans-serif", "monospace"].some(base => width(`"${name}", ${base}`) !== width(base));
})"""
_CUT = """([edge, share]) => {
  const words = [];
  const view = document.querySelector(".scroll").parentElement;
  for (const part of document.querySelectorAll("[data-role]")) {
    if (edge === "bottom" || view.contains(part)) {
      const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const range = document.createRange(); range.selectNodeContents(texts.currentNode);
        for (const box of range.getClientRects()) words.push([part.dataset.role, box.top, box.bottom]);
      }
    }
  }
  const of = role => words.filter(word => word[0] === role);
  const lines = of(edge === "top" ? "passage" : "choice");
  if (lines.length < 4) return null;
  const from = Math.min(...lines.map(line => line[1])), to = Math.max(...lines.map(line => line[2]));
  const wanted = edge === "top" ? from + (to - from) * share * 0.6 : from + (to - from) * (0.3 + 0.6 * share);
  let best = [1e9, wanted];
  for (let y = wanted - 30; y <= wanted + 30; y += 0.5) {
    const torn = words.filter(word => word[1] + 1 < y && y < word[2] - 1).length * 1000 + Math.abs(y - wanted);
    if (torn < best[0]) best = [torn, y];
  }
  return [best[1], view.getBoundingClientRect().top, view.getBoundingClientRect().bottom];
}"""
_OVERFLOW = "() => Math.max(0, ...[...document.querySelectorAll('.view')].map(v => v.scrollHeight - v.clientHeight))"


def read(path: Path) -> list[Row]:
    """The rows of a JSON Lines file, without a bank's head."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [row for row in rows if "format" not in row]


def choose(rows: list[tuple[str, Row]], count: int, rng: random.Random) -> list[tuple[str, Row]]:
    """`count` questions, as evenly over files and skills as they allow, none twice while there are enough."""
    groups: dict[tuple[str, str], list[tuple[str, Row]]] = {}
    for source, row in rows:
        groups.setdefault((row["skill"], source), []).append((source, row))
    for group in groups.values():
        rng.shuffle(group)
    turns = sorted(groups)
    rng.shuffle(turns)
    picked: list[tuple[str, Row]] = []
    pools = {key: list(group) for key, group in groups.items()}
    for key in cycle(turns):
        if len(picked) == count:
            break
        pools[key] = pools[key] or list(groups[key])
        picked.append(pools[key].pop())
    return picked


def plan(rows: list[tuple[str, Row]], others: list[Row], count: int, seed: int) -> list[tuple[str, Row, str, str]]:
    """(source, row, style, cut) of every picture: a fifth of them no questions, every style in turn."""
    rng = random.Random(f"plan {seed}")
    plain = (count + 4) // 5 if others else 0
    mixed = rng.sample(others, len(others)) if others else []
    jobs = [(s, row) for s, row in choose(rows, count - plain, rng)]
    jobs += [("others", row) for row in islice(cycle(mixed), plain)]
    rng.shuffle(jobs)
    styles = list(islice(cycle(rng.sample(STYLES, len(STYLES))), count))
    rng.shuffle(styles)
    cuts = [rng.choices(["no", "top", "bottom"], [78, 15, 7])[0] for _ in jobs]
    return [(source, row, style, cut) for (source, row), style, cut in zip(jobs, styles, cuts, strict=True)]


class Studio:
    """A running Chromium that takes the pictures."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        blank = browser.new_page()
        self.fonts = {
            name: blank.evaluate(_INSTALLED, list(wanted)) or [fallback]
            for name, wanted, fallback in [
                ("serif", SERIF, "serif"),
                ("sans", SANS, "sans-serif"),
                ("mono", MONO, "monospace"),
            ]
        }
        blank.close()

    def take(self, row: Row, style: str, cut: str, rng: random.Random) -> tuple[bytes, Look, list[Row]]:
        """The picture as PNG, how it looks, and the parts that are visible in it."""
        asks = "stem" in row
        look = draw_look(rng, style, self.fonts, cut=cut if asks else "no")
        look.section = row.get("section", "")
        pieces = (
            question(row, typeset=look.typeset)
            if asks
            else Pieces(passage=f"<div data-role=page>{other(row)}</div>", figure="", stem="", choices=[])
        )
        document = page(look, pieces, self.fonts, rng)
        size = {"width": look.width, "height": look.height}
        tab = self.browser.new_page(viewport=size, device_scale_factor=look.zoom)
        try:
            tab.set_content(document)
            if asks:
                size["height"] += round(tab.evaluate(_OVERFLOW))
                tab.set_viewport_size(size)
                self._cut(tab, look, size, rng.random())
            parts = tab.evaluate(TRUTH, look.zoom)
            return tab.screenshot(), look, parts
        finally:
            tab.close()

    @staticmethod
    def _cut(tab: Any, look: Look, size: dict[str, int], share: float) -> None:
        if look.cut == "no":
            return
        found = tab.evaluate(_CUT, [look.cut, share])
        if found is None:
            look.cut = "no"
            return
        at, top, bottom = found
        if look.cut == "top":
            tab.evaluate("y => { document.querySelector('.scroll').style.marginTop = `${-y}px`; }", at - top)
        else:
            size["height"] = max(200, size["height"] - int(bottom - at))
            tab.set_viewport_size(size)


def truth(source: str, row: Row, look: Look, parts: list[Row]) -> Row:
    """The truth file of one picture."""
    shown = [part for part in parts if part["text"]]
    if "stem" not in row:
        return {
            "kind": "other",
            **dict.fromkeys(("section", "domain", "skill"), "unknown"),
            "template": row["kind"],
            "text": "\n".join(part["text"] for part in shown),
            "style": look.record(),
        }

    def joined(role: str) -> str:
        return "\n".join(part["text"] for part in shown if part["role"] == role)

    words = [part for part in shown if part["role"] != "figure"]
    order = {"passage": 0, "stem": 1, "choice": 2}
    return {
        "kind": "question",
        **{key: row.get(key) for key in ("id", "section", "domain", "skill", "template")},
        "band": row.get("band", 4),
        "source": source,
        "text": "\n".join(part["text"] for part in sorted(words, key=lambda part: order[part["role"]])),
        "passage": joined("passage") or None,
        "stem": joined("stem"),
        "choices": [{"key": part["key"], "text": part["text"]} for part in shown if part["role"] == "choice"],
        "typed": not row.get("choices"),
        "figure": any(part["role"] == "figure" for part in parts),
        "figure_text": joined("figure"),
        "boxes": [{"role": part["role"], "key": part["key"], "box": part["box"]} for part in shown],
        "words": sum(part["words"] for part in parts if part["role"] != "figure"),
        "hidden": sum(part["hidden"] for part in parts if part["role"] != "figure"),
        "partial": sum(part["partial"] for part in parts if part["role"] != "figure"),
        "style": look.record(),
    }


def encode(png: bytes, look: Look) -> bytes:
    """The picture in the look's format and quality."""
    if look.format == "png":
        return png
    from PIL import Image

    out = io.BytesIO()
    name = {"jpg": "JPEG", "webp": "WEBP"}[look.format]
    Image.open(io.BytesIO(png)).convert("RGB").save(out, name, quality=look.quality)
    return out.getvalue()


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--count", default=300, show_default=True, help="How many screenshots.")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--questions",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Question files (JSON Lines), in place of the bank's and the unseen ones; may be repeated.",
)
@click.option("--questions-only", is_flag=True, help="No pages without a question.")
@click.option("--style", type=click.Choice(STYLES), help="This style alone.")
@click.option("--cut", type=click.Choice(["no", "top", "bottom"]), help="Cut every page so, where it can be.")
@click.option("--chromium", default="/usr/bin/chromium", show_default=True, help="The browser.")
def main(
    out: Path,
    count: int,
    seed: int,
    questions: tuple[Path, ...],
    questions_only: bool,
    style: str | None,
    cut: str | None,
    chromium: str,
) -> None:
    """Write COUNT screenshots and their truth to OUT."""
    from playwright.sync_api import sync_playwright

    files = list(questions) or [BANK, UNSEEN]
    rows = [(path.stem, row) for path in files for row in read(path)]
    jobs = plan(rows, [] if questions_only else read(OTHERS), count, seed)
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--font-render-hinting=none"])
        studio = Studio(browser)
        with click.progressbar(list(enumerate(jobs)), label="screenshots", file=sys.stderr) as bar:
            for number, (source, row, own_style, own_cut) in bar:
                chance = random.Random(f"{seed} {number}")
                png, look, parts = studio.take(row, style or own_style, cut or own_cut, chance)
                name = out / f"{number:03}"
                name.with_suffix("." + look.format).write_bytes(encode(png, look))
                name.with_suffix(".json").write_text(
                    json.dumps(truth(source, row, look, parts), ensure_ascii=False, indent=1)
                )
        browser.close()


if __name__ == "__main__":
    main()
