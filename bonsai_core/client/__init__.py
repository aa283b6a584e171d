"""The Python client of Bonsai Real-Time.

async with Client("ws://127.0.0.1:3001/ws", auth=Auth(token=token)) as client:
    result = await client.request("analytics:performance", {"questionId": "q1", "correct": True, "timeSpent": 41})
    async for message in client:
        print(message.event, message.data)
"""

from bonsai_core.client.client import Client
from bonsai_core.client.dispatch import Handler, MessageStream
from bonsai_core.client.engine import State
from bonsai_core.client.errors import (
    ClientClosed,
    ClientError,
    JournalLocked,
    QueueFull,
    Refused,
    RequestTimeout,
    ServerError,
)
from bonsai_core.client.frames import Joined, Message
from bonsai_core.client.options import Auth, Device, Heartbeat, Queue, RateLimit, Reconnect, TokenProvider
from bonsai_core.client.queue import Priority

__all__ = [
    "Auth",
    "Client",
    "ClientClosed",
    "ClientError",
    "Device",
    "Handler",
    "Heartbeat",
    "Joined",
    "JournalLocked",
    "Message",
    "MessageStream",
    "Priority",
    "Queue",
    "QueueFull",
    "RateLimit",
    "Reconnect",
    "Refused",
    "RequestTimeout",
    "ServerError",
    "State",
    "TokenProvider",
]
