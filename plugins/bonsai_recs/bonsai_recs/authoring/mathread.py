"""Reads mathematics as students write it: `−2x² + √(3x)` becomes a sympy expression, `2 < x ≤ 5` two relations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from bonsai_recs.authoring.kit import ProofError

Functions = Mapping[str, str]

_SIGNS = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "$": None})
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿˣᵗ", "0123456789-+nxt", strict=True))
_PIECE = re.compile(r"\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*|\.\d+|[A-Za-z]|[π√∛|()+\-*/^,%])")
_RELATION = re.compile(r"(<=|>=|!=|≤|≥|≠|<|>|=)")


class _Reader:
    """A recursive-descent reader of one expression."""

    def __init__(self, text: str, functions: Functions, positive: bool) -> None:
        self.text, self.functions, self.positive = text, functions, positive
        plain = re.sub(
            f"[{''.join(_RAISED)}]+", lambda run: f"^({''.join(_RAISED[c] for c in run[0])})", text
        ).translate(_SIGNS)
        self.pieces: list[str] = []
        position = 0
        while position < len(plain.rstrip()):
            match = _PIECE.match(plain, position)
            if match is None:
                raise ProofError(f"cannot read {text!r} at {plain[position:]!r}")
            self.pieces.append(match[1])
            position = match.end()
        self.at = 0
        self.in_bars = False

    def peek(self) -> str:
        return self.pieces[self.at] if self.at < len(self.pieces) else ""

    def take(self, expected: str = "") -> str:
        piece = self.peek()
        if not piece or (expected and piece != expected):
            raise ProofError(f"cannot read {self.text!r}: {expected or 'more'} expected at piece {self.at}")
        self.at += 1
        return piece

    def all(self) -> sp.Expr:
        value = self.sum()
        if self.peek():
            raise ProofError(f"cannot read {self.text!r}: {self.peek()!r} is left over")
        return value

    def sum(self) -> sp.Expr:
        value = self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self) -> sp.Expr:
        value = self.signed()
        while piece := self.peek():
            if piece == "*":
                self.take()
                value = value * self.signed()
            elif piece == "/":
                self.take()
                value = value / self.signed()
            elif piece in "+-),^" or (piece == "|" and self.in_bars):
                break
            else:
                value = value * self.raised()
        return value

    def signed(self) -> sp.Expr:
        if self.peek() in ("+", "-"):
            return self.signed() if self.take() == "+" else -self.signed()
        return self.raised()

    def raised(self) -> sp.Expr:
        value = self.atom()
        if self.peek() == "^":
            self.take()
            value = value ** self.signed()
        if self.peek() == "%":
            self.take()
            value = value / 100
        return value

    def atom(self) -> sp.Expr:
        piece = self.take()
        if piece[0].isdigit() or piece[0] == ".":
            return sp.Rational(piece.replace(",", ""))
        if piece == "π":
            return sp.pi
        if piece == "(":
            value = self.sum()
            self.take(")")
            return value
        if piece == "|":
            self.in_bars = True
            value = self.sum()
            self.take("|")
            self.in_bars = False
            return sp.Abs(value)
        if piece in "√∛":
            return sp.root(self.atom(), 2 if piece == "√" else 3)
        if not piece.isalpha():
            raise ProofError(f"cannot read {self.text!r} at {piece!r}")
        if self.peek() == "(" and (call := self.called(piece)):
            return call
        return symbol(piece, self.positive)

    def called(self, name: str) -> sp.Expr | None:
        for head, body in self.functions.items():
            if head.partition("(")[0] == name:
                self.take("(")
                values = [self.sum()]
                while self.peek() == ",":
                    self.take()
                    values.append(self.sum())
                self.take(")")
                letters = [letter.strip() for letter in head.partition("(")[2].rstrip(")").split(",")]
                replaced = {symbol(x, self.positive): v for x, v in zip(letters, values, strict=True)}
                return to_sympy(body, positive=self.positive).subs(replaced, simultaneous=True)
        return None


def symbol(letter: str, positive: bool = False) -> sp.Symbol:
    """The symbol that a letter is read as: a real number, or a positive one."""
    return sp.Symbol(letter, positive=True) if positive else sp.Symbol(letter, real=True)


def to_sympy(text: str, functions: Functions | None = None, *, positive: bool = False) -> sp.Expr:
    """Read an expression the way students do: `−2x² + √(3x)`, `(3/4)x`, `1,200(1.04)ᵗ`, `|x − 3|`, `3/(x + 1)`.

    Every letter is a symbol of its own, and multiplication may be left out, with the same rank as when it is written:
    `1/2x` is `(1/2)·x`. Superscript digits and letters are exponents, as is what follows `^`. A comma between groups of
    three digits belongs to the number, so points are written with a space: `(1, 200)`. `%` divides by 100; `$` is
    skipped.

    Args:
        functions: what function names stand for, such as `{"f(x)": "2x + 3"}`; other letters before a parenthesis
            multiply.
        positive: whether letters are positive numbers, so that √(x²) is x.

    Raises:
        ProofError: the text is not an expression.
    """
    if not text.strip():
        raise ProofError("there is nothing to read")
    return _Reader(text, functions or {}, positive).all()


@dataclass(frozen=True, slots=True)
class Relation:
    """Two sides and the sign between them."""

    left: sp.Expr
    sign: str
    right: sp.Expr

    @property
    def difference(self) -> sp.Expr:
        return self.left - self.right

    def holds(self, values: Mapping[str, sp.Expr]) -> bool:
        """Whether it is true with these values; an equation with letters left has to be so for all their values."""
        gap = self.difference.subs({symbol(letter): value for letter, value in values.items()})
        if self.sign == "=":
            return is_zero(gap)
        if self.sign == "≠":
            return not is_zero(gap)
        if gap.free_symbols:
            raise ProofError(f"no values for {gap.free_symbols}")
        return bool({"<": gap < 0, ">": gap > 0, "≤": gap <= 0, "≥": gap >= 0}[self.sign])


def relations(text: str, functions: Functions | None = None) -> list[Relation]:
    """Read equations and inequalities, joined by `and`, `;` or a new line; `2 < x ≤ 5` are two."""
    found: list[Relation] = []
    for part in re.split(r"\band\b|;|\n", text):
        pieces = _RELATION.split(part)
        if len(pieces) < 3:
            raise ProofError(f"{part!r} is no equation or inequality")
        sides = [to_sympy(side, functions) for side in pieces[::2]]
        for left, sign, right in zip(sides, pieces[1::2], sides[1:], strict=False):
            found.append(Relation(left, {"<=": "≤", ">=": "≥", "!=": "≠"}.get(sign, sign), right))
    return found


def is_zero(expression: sp.Expr) -> bool:
    """Whether an expression is 0 for all values of its letters."""
    if expression == 0:
        return True
    letters = sorted(expression.free_symbols, key=str)
    if not letters and not expression.is_Rational:
        return bool(abs(sp.N(expression, 60)) < sp.Float("1e-40"))
    probe = {letter: sp.Rational(17 + 6 * n, 7 + 2 * n) for n, letter in enumerate(letters)}
    number = sp.N(expression.subs(probe), 40)
    if number.is_number and not abs(number) < sp.Float("1e-25"):
        return False
    return bool(sp.simplify(expression) == 0)
