"""Bank files: versioned JSON Lines. The first line says what the file is, each further line is a question."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bonsai_core.domain import Question

FORMAT = "bonsai-bank"
VERSION = 1


class BankError(ValueError):
    """A bank file cannot be used; the message names the file, the line and what is wrong."""


class BankItem(Question):
    """A question as it stands in a bank file.

    Attributes:
        template: what made it, for authors.
        proof: how a program finds its answer again: a kind of `bonsai_recs.authoring.proofs` and what it is given.
    """

    template: str = ""
    proof: dict[str, Any] = {}


class Header(BaseModel):
    """The first line of a bank file."""

    model_config = ConfigDict(extra="allow")

    format: str
    version: int
    items: int
    seed: int | None = None


def write_bank(path: Path, items: Iterable[Question], *, seed: int | None = None) -> None:
    """Write a bank file, the questions in the given order."""
    lines = [item.model_dump_json(by_alias=True, exclude_defaults=True) for item in items]
    header = Header(format=FORMAT, version=VERSION, items=len(lines), seed=seed)
    path.write_text("\n".join([header.model_dump_json(exclude_none=True), *lines]) + "\n", encoding="utf-8")


def read_bank(path: Path) -> list[BankItem]:
    """Read a bank file.

    Raises:
        BankError: it is no bank file, of a newer version, cut off, or a question in it is not valid.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        header = Header.model_validate_json(lines[0] if lines else "")
    except (OSError, UnicodeDecodeError) as error:
        raise BankError(f"{path} cannot be read: {error}") from None
    except ValidationError:
        raise BankError(f"{path} is no bank file: its first line does not say so") from None
    if header.format != FORMAT or header.version > VERSION:
        raise BankError(f"{path} has format {header.format} version {header.version}; this is version {VERSION}")
    if len(lines) - 1 != header.items:
        raise BankError(f"{path} holds {len(lines) - 1} questions instead of {header.items}: it is not whole")
    items: list[BankItem] = []
    seen: set[str] = set()
    for number, line in enumerate(lines[1:], start=2):
        try:
            item = BankItem.model_validate_json(line)
        except ValidationError as error:
            raise BankError(f"{path}:{number}: {_sentence(error)}") from None
        if item.id in seen:
            raise BankError(f"{path}:{number}: the id {item.id} is there twice")
        seen.add(item.id)
        items.append(item)
    return items


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the question"
    return f"{place}: {first['msg']}"
