"""Small corrections of what was read, only such as leave a right text as it is: spaces around signs, minus signs."""

from __future__ import annotations

import re

MINUS = "−"
_POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ"
_END, _START = rf"[\w)\]{_POWERS}°%π]", r"[\w(\[√∛$.π]"
_RELATION = re.compile(rf"(?<={_END})\s*([=<>≤≥≠])\s*(?=[{MINUS}-]?\s?{_START})")
_PLUS = re.compile(rf"(?<=[\w)\]|{_POWERS}°%π])\s*\+\s*(?={_START})")
_DASH = re.compile(rf"\s*[{MINUS}–-]\s*")
#: A choice's letter at the line's beginning.
_LETTER = re.compile(r"\W?\s?\(?[A-E]\)")
_LEFT = re.compile(rf"[A-Za-z0-9.,$]*[{_POWERS}π%°)\]]*$")
_RIGHT = re.compile(r"[$√∛(]*[A-Za-z0-9.π]*")
_PAIR = re.compile(rf"(?<=[(,])(\s*[{MINUS}-]?[\w./π√]+),(?=[{MINUS}-]?(?:\d{{1,2}}|\d{{4,}}|[a-z])?[\d./π√a-z]*\))")
_BEFORE_MARK = re.compile(r"(?<=[\w)”\"’'°%²³])\s+(?=[,;:?!](?:\s|$))|(?<=[a-z)”])\s+(?=\.(?:\s|$))")


def tidy(text: str) -> str:
    """One line as a typesetter would space it; hyphens that are minus signs become minus signs."""
    text = " ".join(text.split())
    if not text:
        return text
    text = _BEFORE_MARK.sub("", text)
    text = _RELATION.sub(r" \1 ", text)
    text = _PLUS.sub(" + ", text)
    text = _DASH.sub(_dash, text)
    return _PAIR.sub(r"\1, ", text)


def _dash(match: re.Match[str]) -> str:
    """What a hyphen or minus sign is: part of a word, a sign of a number, or between two terms."""
    found = match[0]
    sign = found.strip()
    before, after = match.string[: match.start()], match.string[match.end() :]
    tight = found == sign
    left_match, right_match = _LEFT.search(before), _RIGHT.match(after)
    left = left_match[0] if left_match else ""
    right = right_match[0] if right_match else ""
    if not _is_term(right):
        return found
    if before.endswith("|") and before.count("|") % 2 == 0 and tight:
        return f" {MINUS} "
    if _LETTER.fullmatch(before):
        return f" {MINUS}"
    if not left or left[-1] in "=,$" or before.endswith(("(", "[", "=", "/", "^")):
        alone = not before or before[-1] in "([=<>≤≥,/^|+" or found[0] == " "
        return found[: len(found) - len(found.lstrip())] + MINUS if alone else found
    if not _is_term(left) or left[-1] in ".,":
        return f" {MINUS}" if found[0] == " " and found[-1] != " " else found
    numbers = left.replace(",", "").replace(".", "").isdigit() and right.replace(".", "").isdigit()
    if tight and sign != MINUS and (numbers or left.isupper() or right.isupper()):
        return found
    return f" {MINUS} "


def _is_term(word: str) -> bool:
    """Whether this may be a term of an expression: a number, a variable, a product of these, or a bracket's end."""
    if not word:
        return False
    letters = re.sub(r"[^A-Za-z]", "", word)
    if any(letter in f"{_POWERS}π)]√∛(" for letter in word):
        return not re.search(r"[A-Za-z]{3}", word)
    if not letters:
        return any(letter.isdigit() for letter in word)
    if len(letters) == 1:
        return letters not in "aAI" or any(letter.isdigit() for letter in word) or letters == "a"
    return (
        len(letters) == 2 and letters.islower() and (letters[1] in "xyzt" and letters not in {"by", "my", "it", "at"})
    )
