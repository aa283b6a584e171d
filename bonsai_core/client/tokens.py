"""Where tokens come from: a fixed one, or a provider that is asked for the first and for every new one."""

from __future__ import annotations

import asyncio
import inspect

from bonsai_core.client.options import Auth

#: Refusals in a row after which more tokens are not tried.
MAX_REFUSALS = 3


class NoNewToken(Exception):
    """The server refused the token and there is no other."""


class Tokens:
    """The token to join with.

    Args:
        auth: has the token, the provider, or neither (a server may know us by other means).
        timeout: how long the provider may take, in seconds.
    """

    def __init__(self, auth: Auth, timeout: float) -> None:
        self._token = auth.token
        self._provider = auth.token_provider
        self._timeout = timeout
        self._refused: str | None = None
        self._refusals = 0

    @property
    def can_renew(self) -> bool:
        """Whether there is a provider."""
        return self._provider is not None

    def replace(self, token: str) -> None:
        """Use this token from now on."""
        self._token = token

    def accepted(self) -> None:
        """The server took the token."""
        self._refused = None
        self._refusals = 0

    def refused(self) -> None:
        """The server said 4401.

        Raises:
            NoNewToken: nobody to ask for another, or several were refused in a row.
        """
        self._refusals += 1
        if self._provider is None:
            raise NoNewToken("there is no token_provider to ask for another token")
        if self._refusals >= MAX_REFUSALS:
            raise NoNewToken(f"the server refused {self._refusals} tokens in a row")
        self._refused, self._token = self._token, None

    @property
    def refusals(self) -> int:
        """How often in a row the server refused."""
        return self._refusals

    async def current(self) -> str | None:
        """The token to use, from the provider when there is none yet.

        Raises:
            NoNewToken: the provider gave the one that was refused.
            Exception: what the provider raises; TimeoutError when it took too long.
        """
        if self._token is None and self._provider is not None:
            token = await self.renew()
            if token == self._refused:
                raise NoNewToken("the token_provider gave the same token that the server refused")
        return self._token

    async def renew(self) -> str:
        """Ask the provider for a token and use it from now on."""
        if self._provider is None:
            raise NoNewToken("there is no token_provider")
        async with asyncio.timeout(self._timeout):
            given = self._provider()
            token: object = await given if inspect.isawaitable(given) else given
        if not isinstance(token, str) or not token:
            raise TypeError(f"the token_provider gave {type(token).__name__} instead of a token")
        self._token = token
        return token
