"""What the classifier sees of a text: hashed features for its skill, and gauges for its difficulty."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

MAX_CHARACTERS = 8_000

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("−–‒‐‑", "-"),
        **dict.fromkeys("’‘`´", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("·●▪◦", "•"),
        **{raised: f"^{plain} " for raised, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿᵗˣ", "0123456789ntx", strict=True)},
        "×": "*",
        "⋅": "*",
        "⩽": "≤",
        "⩾": "≥",
        "\u00a0": " ",
    }
)
_TOKEN = re.compile(r"_{2,}|[a-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*|[^\sa-z\d]")
_LETTER = re.compile(r"^\s*(?:\(?([a-d])[).:]\s*|\(([a-d])\)\s*|([a-d])(?:\s+|$))(.*)$", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?:]\s|_{2,}|\n\s*\n|\n(?=(?:Which|What|How|As used|Based on|According to|The student)\b)")


def tokens(text: str) -> list[str]:
    """Words in lower case, every number as `0`, a blank as `_`, other signs one by one."""
    found = []
    for token in _TOKEN.findall(text.lower().translate(_PLAIN)):
        if token[0].isdigit():
            found.append("0")
        elif token.startswith("__"):
            found.append("_")
        else:
            found.append(token)
    return found


def split(text: str) -> tuple[str, str, list[str]]:
    """A text's body, its question sentence and its choices, as far as they can be told apart from their looks."""
    lines = text.split("\n")
    choices, head = _lettered(lines)
    if not choices:
        asked = max((at for at, line in enumerate(lines) if "?" in line), default=-1)
        tail = [line.strip() for line in lines[asked + 1 :] if line.strip()]
        if asked >= 0 and 2 <= len(tail) <= 12:
            choices, head = tail, lines[: asked + 1]
    body = "\n".join(head)
    end = body.rfind("?")
    if end < 0:
        return body, "", choices
    start = max((match.end() for match in _SENTENCE.finditer(body, 0, max(end - 2, 0))), default=0)
    return body, body[start : end + 1], choices


def _lettered(lines: list[str]) -> tuple[list[str], list[str]]:
    """The choices after the last line that opens a row of letters, and the lines before it."""
    for first in range(len(lines) - 1, -1, -1):
        match = _LETTER.match(lines[first])
        if not match or (match[1] or match[2] or match[3]).upper() != "A" or (match[3] == "a"):
            continue
        choices: list[str] = []
        wanted = "A"
        for line in lines[first:]:
            match = _LETTER.match(line)
            if match and wanted <= "D" and (match[1] or match[2] or match[3]).upper() == wanted:
                choices.append(match[4].strip())
                wanted = chr(ord(wanted) + 1)
            elif choices:
                choices[-1] = f"{choices[-1]} {line.strip()}".strip()
        if len(choices) >= 2:
            return choices, lines[:first]
    return [], lines


def _shape(choice: str) -> str:
    """How a choice looks: a short text's signs and letters in order, a longer one's number of words."""
    found = tokens(choice)
    words = [token for token in found if len(token) > 2 and token[0].isalpha()]
    if len(words) > 1 or (words and len(found) > 6):
        return f"{min(len(words), 12) // 3}{found[-1] if found[-1] in ',.;:' else ''}"
    return " ".join("w" if len(token) > 2 and token[0].isalpha() else token for token in found[:12])


def _comparison(choices: list[str]) -> Iterator[str]:
    """In what the choices differ, which tells punctuation from forms of words."""
    bare = {re.sub(r"[^a-z' ]", "", choice.lower().replace("—", " ")).strip() for choice in choices}
    letters = {re.sub(r"[^a-z]", "", choice.lower()) for choice in choices}
    yield f"different words {len(bare)} of {len(choices)}"
    yield f"different letters {len(letters)} of {len(choices)}"
    for sign in ",;:.—'":
        counts = {choice.count(sign) for choice in choices}
        if len(counts) > 1:
            yield f"differ in {sign}"
    split_up = [re.findall(r"[a-z']+", choice.lower()) for choice in choices]
    firsts = {words[0] for words in split_up if words}
    lasts = {words[-1] for words in split_up if words}
    yield f"first words {len(firsts)}"
    yield f"last words {len(lasts)}"
    yield f"starts {len({first[:4] for first in firsts})}"
    size = sum(map(len, split_up)) / len(choices)
    yield f"words {'0' if size < 0.5 else '1' if size < 1.6 else '3' if size < 4 else '8' if size < 9 else '20'}"
    if all(choice.rstrip().endswith(",") for choice in choices):
        yield "all end in a comma"
    if all(choice.startswith(("To ", "By ")) for choice in choices):
        yield "all begin with " + choices[0][:2]
    if sum(choice[:1].isupper() for choice in choices) * 2 > len(choices):
        yield "capitals"


def _signs(text: str, body: str, choices: list[str], figure: bool | None, count: int | None) -> Iterator[str]:
    """What kind of things the text has in it."""
    found = tokens(body)
    total = len(found) or 1
    numbers = found.count("0")
    yield f"numbers {min(int(12 * numbers / total), 6)}"
    yield f"length {min(total.bit_length(), 9)}"
    yield f"choices {len(choices) if count is None else count}"
    if figure is not None:
        yield f"figure {figure}"
    if "_" in found:
        yield "blank at the end" if "_" in found[-30:] and body.rstrip().count("____") == 1 else "blank"
    for name in ("Text 1", "Text 2"):
        if name in text:
            yield name
    bullets = body.count("•") + len(re.findall(r"^\s*[-*] ", body, re.MULTILINE))
    if bullets >= 2:
        yield "notes"
    for sign in "=<>≤≥|√π°%$^":
        if sign in body.translate(_PLAIN):
            yield f"has {sign}"
    if re.search(r"\b[a-z]\s?\([a-z0-9]\)", body):
        yield "function"
    if body.count("=") > 1:
        yield "equations"
    if not re.search(r"\?", text):
        yield "no question mark"
    elif text.count("?") > 2:
        yield "question marks"
    if "_" not in found and re.search(r"which choice", body, re.IGNORECASE):
        yield "which choice"


_MATHS = re.compile(
    r"(?:(?:\d[\d.,]*|(?<![a-z'])(?:[a-z]|[a-z]x|xy|[ackp]y|sin|cos|tan)(?![a-z'])|[-+*/^()=<>≤≥|√πℓ]) ?){3,}"
)
_LETTERS = re.compile(r"(?<![a-z])[a-z](?=x?y?(?![a-z]))|[xy](?![a-z])")


def _algebra(body: str) -> Iterator[str]:
    """What kinds of equations, inequalities, functions and expressions a text holds."""
    equations = 0
    letters: set[str] = set()
    powers = False
    for match in _MATHS.finditer(body.lower().translate(_PLAIN)):
        run = match[0].strip()
        names = set(_LETTERS.findall(run))
        if not names or not re.search(r"[-+*/^=<>≤≥|√]|\d[a-z]|[a-z]\d", run):
            continue
        left, equals, right = run.partition("=")
        defined = bool(equals and re.match(r"[a-z] ?\( ?[a-z] ?\) ?$", left))
        shown = right if defined else run
        unknowns = set(_LETTERS.findall(shown))
        powered = bool(re.search(r"\^ ?[2-9]|[a-z)] ?[2-9](?![\d.])|([a-z]) ?\((?=[^()]*\1)|\) ?\(", shown))
        exponential = bool(re.search(r"[\d)] ?\^ ?\(?[a-z]|\d\)[a-z]$", shown))
        if exponential:
            kind = "exponential"
        elif "√" in shown and unknowns:
            kind = "root"
        elif re.search(r"\|[^|]*[a-z][^|]*\|", shown):
            kind = "absolute"
        elif powered:
            kind = "power"
        elif re.search(r"/ ?(\([^)]*[a-z]|[a-z])", shown):
            kind = "rational"
        else:
            kind = "linear"
        if defined:
            yield f"function {kind}"
        elif equals:
            equations += 1
            letters |= names
            powers |= kind != "linear"
            yield f"equation {kind} {min(len(names), 3)}"
        elif re.search("[<>≤≥]", run):
            yield f"inequality {kind} {min(len(names), 3)}"
        elif len(run) > 4:
            yield f"expression {kind}"
    if equations:
        yield f"equations {min(equations, 3)} unknowns {min(len(letters), 4)} {'powers' if powers else 'linear'}"


def features(text: str, *, choices: int | Sequence[str] | None = None, figure: bool | None = None) -> dict[int, float]:
    """What the model sees of a text: hashes (CRC-32) of its features and their values; every block has length 1."""
    text = text[:MAX_CHARACTERS]
    body, stem, parsed = split(text)
    count = choices if isinstance(choices, int) else None
    answers = parsed if choices is None or isinstance(choices, int) else list(choices)
    words, asked = tokens(body), tokens(stem)
    blocks: list[list[str]] = [
        [f"a {word}" for word in words],
        [f"b {left} {right}" for left, right in pairwise(words)],
        [f"t {one} {two} {three}" for one, two, three in zip(words, words[1:], words[2:], strict=False)],
        [f"s {word}" for word in asked],
        [f"q {left} {right}" for left, right in pairwise(asked)],
        [
            f"c {padded[at : at + 4]}"
            for word in words
            if len(word) > 3
            for padded in (f" {word} ",)
            for at in range(len(padded) - 3)
        ],
        list(_signs(text, body, answers, figure, count)),
        [f"m {name}" for name in _algebra(body)],
    ]
    if answers:
        blocks.append([f"k {token}" for answer in answers for token in tokens(answer)])
        blocks.append([f"h {_shape(answer)}" for answer in answers])
        blocks.append(list(_comparison(answers)))
        blocks.append([f"n {name}" for answer in answers for name in _algebra(answer)])
    found: dict[int, float] = {}
    for block in blocks:
        distinct = set(block)
        if not distinct:
            continue
        value = len(distinct) ** -0.5
        for name in distinct:
            found[zlib.crc32(name.encode())] = value
    return found


def gauges(text: str, *, choices: int | Sequence[str] | None = None, mathematical: bool) -> list[float]:
    """What difficulty is judged by: lengths, kinds of words, what is asked, and of Math its signs; each about 0..1."""
    text = text[:MAX_CHARACTERS]
    body, _, parsed = split(text)
    answers = parsed if choices is None or isinstance(choices, int) else list(choices)
    words = [word for word in tokens(body) if word[0].isalpha()]
    total = len(words) or 1
    plain = body.lower().translate(_PLAIN)
    algebra = list(_algebra(body))
    found = [
        math.log1p(total) / 6,
        sum(len(word) for word in words) / total / 8,
        sum(len(word) > 8 for word in words) / total,
        math.log1p(sum(map(len, answers)) / (len(answers) or 1)) / 5,
        float(not answers),
        math.log1p(len(re.findall(r"\d+", body))) / 3,
        len(algebra) / 5,
        float(any(kind in name for name in algebra for kind in ("power", "exponential", "root"))),
        float("constant" in plain),
        float("no solution" in plain or "infinitely" in plain),
        float("in terms of" in plain),
        float(bool(re.search(r"\b(greatest|least|maximum|minimum|possible)\b", plain))),
        len(set(_LETTERS.findall(plain))) / 5,
        plain.count("%") / 3,
        float("π" in plain or "√" in plain),
    ]
    return [*found, *((value if mathematical else 0.0) for value in [1.0, *found])]
