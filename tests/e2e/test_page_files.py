"""The built page: small, and nothing in it that a strict Content-Security-Policy forbids."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)  # the page may have to be built

#: Of all scripts together, compressed, in bytes.
LIMIT = 150 * 1024


def test_all_scripts_together_are_small(built_page: Path) -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in built_page.rglob("*.js")}
    assert len(sizes) > 3
    assert sum(sizes.values()) < LIMIT, sizes


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(built_page: Path) -> None:
    index = (built_page / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", index) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=", index) == []
    addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", index)
    assert len(addresses) > 3
    assert all(address.startswith("./") for address in addresses), addresses
    for path in (*built_page.rglob("*.js"), *built_page.rglob("*.css")):
        text = path.read_text()
        assert not re.search(r"\beval\(|new Function\(", text), path.name
        assert not re.search(r"(?:url\(|import\(|@import )[\"']?(?:https?:)?//", text), path.name


def test_the_licences_of_all_that_is_in_the_page_are_beside_it(built_page: Path) -> None:
    text = (built_page / "licenses.txt").read_text()
    packages = set(re.findall(r"^(\S+) \d+\.\d+\.\d+ \((?:MIT|OFL-1\.1)\)$", text, re.MULTILINE))
    assert packages >= {"react", "react-dom", "uplot", "@fontsource-variable/inter"}
    assert "SIL OPEN FONT LICENSE" in text and "Permission is hereby granted" in text
