"""Brings a text into one plain form before it is searched: no LaTeX or Markdown, one kind of quote, dash and exponent.

What means the same must look the same, or a coach that writes `\\(\\frac{1}{2}\\)`, `**C**` or `½` would slip through.
"""

from __future__ import annotations

import re
import unicodedata


def any_of(*phrases: str) -> str:
    """A pattern for any of these patterns."""
    return f"(?:{'|'.join(phrases)})"


def words_of(text: str) -> frozenset[str]:
    """The words of a list of words."""
    return frozenset(text.split())


_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ⁿˣʸᵗᵏ", "0123456789-+()nxytk", strict=True))
_RAISED_RUN = re.compile(f"[{''.join(_RAISED)}]+")
_VULGAR = re.compile("[¼-¾⅐-⅞↉]")
_FRACTION = re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}")
_WORDS = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname|emph|underline)\s*\{([^{}]*)\}")
_RAISED_GROUP = re.compile(r"\^\s*\{([^{}]*)\}")
_DEGREES = re.compile(r"\^\(?\\circ\)?|\\degree\b|°|º")
_SIGNED_MONEY = re.compile(r"([-−+])\$(?=[\d.])")
_COMMANDS = {
    r"\\(?:cdot|times)\b": "·",
    r"\\div\b": "÷",
    r"\\pi\b": "π",
    r"\\pm\b": "±",
    r"\\l(?:eq?|eqslant)\b": "≤",
    r"\\g(?:eq?|eqslant)\b": "≥",
    r"\\n(?:eq?)\b": "≠",
    r"\\(?:left|right|displaystyle|quad|qquad|[()\[\],;:! ])": " ",
    r"\\([%$#&_{}])": r"\1",
}
_LATEX = tuple((re.compile(pattern), replacement) for pattern, replacement in _COMMANDS.items())
# Letters of other alphabets that look like those of choices.
_LOOKALIKES = str.maketrans("АВСЕΑΒΕ", "ABCEABE")
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ′＇", "'"),
        **dict.fromkeys("“”„‟«»″＂", '"'),
        **dict.fromkeys("‐‑‒–−﹣", "-"),
        **dict.fromkeys("∙⋅∗", "·"),
        "⁄": "/",
        "∕": "/",
        "⩽": "≤",
        "⩾": "≥",
        "$": " ",
        "{": "(",
        "}": ")",
        "\N{NO-BREAK SPACE}": " ",
    }
)
_EMPHASIS = re.compile(
    r"\*\*+|__+|`+|(?<![\w*)])\*(?=[\w\"($.−-])|(?<=[\w\".)%!?$])\*(?![\w*(])|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)"
)
_COUNTED = any_of(
    *(
        "step",
        "hint",
        "rung",
        "text",
        "question",
        "part",
        "method",
        "example",
        "figure",
        "table",
        "note",
        "tip",
        "reason",
    ),
    "module",
)
# A bullet or number before a line, and the number after `step`. A bullet before an equation may be its minus sign.
_ENUMERATED = re.compile(
    r"^[ \t]*[-*+•#]+[ \t]+(?!\d+\s*[-+·*/=])"
    r"|^[ \t]*(?:step[ \t]+)?\d{1,2}[.):][ \t]+"
    rf"|\b(?P<what>{_COUNTED})s?[ ]#?\d+\b(?!\.\d)",
    re.IGNORECASE | re.MULTILINE,
)
_SPACES = re.compile(r"[ \t\r\f\v]+")
_LINES = re.compile(r" ?\n[ \n]*")
_NESTED = 6


def plain(text: str) -> str:
    """The text in plain form.

    Exponents read `^(2)`, fractions `1/2` or `(a)/(b)`, minus signs and short dashes `-`; emphasis and all double
    quotes are `"`; dollar and degree signs are gone, and so are numbers that only count the steps. Case is kept.
    """
    text = _RAISED_RUN.sub(lambda run: f"^({''.join(_RAISED[c] for c in run[0])})", text)
    text = _VULGAR.sub(lambda sign: " " + unicodedata.normalize("NFKC", sign[0]), text)
    text = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    if "\\" in text:
        text = _without_latex(text)
    text = _RAISED_GROUP.sub(r"^(\1)", _DEGREES.sub("", text))
    for _ in range(2):  # `- 2. Read it`
        text = _ENUMERATED.sub(lambda found: found["what"] or "", text)
    text = _SIGNED_MONEY.sub(r"\1", _EMPHASIS.sub('"', text)).translate(_SIGNS).replace("--", "—")
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _without_latex(text: str) -> str:
    for _ in range(_NESTED):  # from the innermost braces outwards
        before = text
        text = _RAISED_GROUP.sub(r"^(\1)", text)
        text = _FRACTION.sub(lambda f: f"{_grouped(f[1])}/{_grouped(f[2])}", text)
        text = _ROOT.sub(r"√(\1)", text)
        text = _WORDS.sub(r"\1", text)
        text = _BOXED.sub(r" the answer is \1 ", text)
        if text == before:
            break
    text = _DEGREES.sub("", text)
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text


def _grouped(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"\d+|[A-Za-z]", text) else f"({text})"
