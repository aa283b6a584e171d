"""The plugin: knows the questions of the bank, so that answers can be graded and questions shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bonsai_core import App, Plugin, Question, hookimpl

if TYPE_CHECKING:
    import click

    from bonsai_recs.bank import Bank


class Recs(Plugin):
    """The question bank."""

    name = "recs"

    def __init__(self) -> None:
        self._bank: asyncio.Task[Bank] | None = None

    @hookimpl
    def on_startup(self, app: App) -> None:
        """Read the bank in the background; whoever asks for a question waits for it."""
        self._bank = app.create_task(asyncio.to_thread(_load), name="load the question bank")

    @hookimpl
    async def find_question(self, question_id: str) -> Question | None:
        """A question of the bank, with its answer."""
        if self._bank is None:
            return None
        return (await self._bank).get(question_id)

    @hookimpl
    def check_health(self) -> dict[str, Any]:
        """Ready when the bank has been read."""
        bank = self._bank
        if bank is None or not bank.done():
            return {"ready": False}
        if bank.cancelled() or bank.exception() is not None:
            return {"ready": True, "error": "the question bank could not be read; see the log"}
        return {"ready": True, "questions": len(bank.result())}

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        """`bonsai bank`."""
        from bonsai_recs.bank.commands import bank

        cli.add_command(bank)


def _load() -> Bank:
    from bonsai_recs.bank import load_bank

    return load_bank()
