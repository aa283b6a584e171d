"""A device of a chaos run: a client that sends numbered messages and writes down all that it is shown."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

from bonsai_core.client import Auth, Client, Message, State
from bonsai_core.client.resume import Decision, Positions
from tests.chaos.history import DeviceHistory, JoinedRoom, Shown


class Device:
    """One client and its history.

    Args:
        url: where it connects, through a proxy.
        token: of the session's user.
        session: the session's id.
        client: its clientId.
        heartbeat: seconds between two heartbeats, and until one counts as unanswered.
    """

    def __init__(self, url: str, token: str, session: str, client: str, *, heartbeat: float = 0.4) -> None:
        self.history = DeviceHistory(client)
        self.room = f"session:{session}"
        self.joins = {True: 0, False: 0}
        self.longest_outage = 0.0
        self._offset = 0
        self.epoch = ""
        self._shown = asyncio.Condition()
        self.client = Client(
            url,
            auth=Auth(token=token, session_id=session, client_id=client),
            reconnect={"delay": 0.02, "max_delay": 0.25},
            heartbeat={"interval": heartbeat, "timeout": heartbeat},
            queue={"max_messages": 10_000},
        )
        self._numbers: dict[int, int] = {}
        self._away_since: float | None = None
        self.client.on("user:joined", self._joined)
        self.client.on("chaos:done", self._done)
        self.client.on("ack", self._acked)
        self.client.on("error", self._refused)
        self.client.on_state(self._state_changed)
        self._watch(self.client._inbound._positions)

    async def send(self, messages: int, pace: float, random: random.Random) -> None:
        """Send so many messages, in bursts, on average one in `pace` seconds, connected or not."""
        while len(self.history.sent) < messages:
            burst = min(random.randint(1, 6), messages - len(self.history.sent))
            for _ in range(burst):
                number = len(self.history.sent) + 1
                self._numbers[self.client.emit("chaos:do", {"number": number})] = number
                self.history.sent.append(number)
            await asyncio.sleep(random.uniform(0, 2 * pace * burst))

    async def shown_up_to(self, epoch: str, offset: int) -> None:
        """Return when the room was shown up to here."""
        while not (self.epoch == epoch and self._offset >= offset):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2), self._shown:
                    await self._shown.wait()

    def _joined(self, message: Message) -> None:
        info = message.data["rooms"][self.room]
        self.history.seen.append(JoinedRoom(info["offset"], info["recovered"], info["epoch"]))
        self.joins[info["recovered"]] += 1
        if not info["recovered"]:
            self._offset = info["offset"]
        self.epoch = info["epoch"]

    async def _done(self, message: Message) -> None:
        assert message.offset is not None
        client, number = message.data["item"]
        self.history.seen.append(Shown(message.offset, (client, number)))
        self._offset = message.offset
        async with self._shown:
            self._shown.notify_all()

    def _acked(self, message: Message) -> None:
        assert message.id is not None
        self.history.answers.append((self._numbers[message.id], message.data["number"]))

    def _refused(self, message: Message) -> None:
        self.history.refused.append((self._numbers.get(message.id or 0, 0), message.data["code"]))

    def _state_changed(self, state: State) -> None:
        now = asyncio.get_running_loop().time()
        if state is State.JOINED:
            if self._away_since is not None:
                self.longest_outage = max(self.longest_outage, now - self._away_since)
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now

    def _watch(self, positions: Positions) -> None:
        """Count what the client would heal in silence: a server that keeps its promises leaves nothing to heal."""
        decide = positions.decide

        def counted(room: str, offset: int | None) -> Decision:
            decision = decide(room, offset)
            self.history.healed += decision is not Decision.DELIVER
            return decision

        watched: Any = positions
        watched.decide = counted
