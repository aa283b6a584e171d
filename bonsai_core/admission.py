"""Limits by address: who is asking (through trusted proxies only), how often, and how many sockets are open."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bonsai_core.ratelimit import Buckets

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded: str | None, trusted: Sequence[Network]) -> str:
    """The address that a request really comes from.

    `X-Forwarded-For` is read from the right: each trusted proxy vouches for the entry it added, so the first address
    that is no trusted proxy is the client. What stands left of it anybody could have written.

    Args:
        peer: the other end of the TCP connection.
        forwarded: the header's value; several headers joined by commas.
        trusted: networks of our own proxies.
    """
    address = _parse(peer)
    if address is None or forwarded is None or not _is_in(address, trusted):
        return peer
    for entry in reversed(forwarded.split(",")):
        hop = _parse(entry.strip())
        if hop is None:
            break  # garbage that no proxy of ours wrote: the last good address stands
        address = hop
        if not _is_in(hop, trusted):
            break
    return str(address)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.partition("%")[0]  # an IPv6 scope
    try:
        address = ipaddress.ip_address(text.removeprefix("[").partition("]")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_in(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


class Admission:
    """Decides whether one more socket may be opened.

    Args:
        max_connections: of this process.
        per_address: open sockets of one address; 0 for no limit.
        attempts: new sockets a minute of one address; 0 for no limit.
        now: monotonic seconds.
    """

    def __init__(self, *, max_connections: int, per_address: int, attempts: int, now: Callable[[], float]) -> None:
        self._max_connections = max_connections
        self._per_address = per_address
        self._attempts = Buckets(attempts, 60.0)
        self._now = now
        self._open: Counter[str] = Counter()
        self._total = 0
        #: Sockets that other nodes have open, by node and address.
        self._others: dict[str, dict[str, int]] = {}
        #: Addresses whose number of sockets has changed since the last `collect`; None while nobody asks.
        self._changed: set[str] | None = None

    def ask(self, address: str) -> tuple[int, float]:
        """Count an attempt.

        Returns:
            The HTTP status to refuse it with, and seconds after which to try again; (0, 0.0) to admit it.
        """
        wait = self._attempts.take(address, self._now())
        if wait:
            return 429, wait
        if self._per_address and self._everywhere(address) >= self._per_address:
            return 429, 5.0
        if self._total >= self._max_connections:
            return 503, 5.0
        return 0, 0.0

    def opened(self, address: str) -> None:
        """A socket was opened."""
        self._open[address] += 1
        self._total += 1
        if self._changed is not None:
            self._changed.add(address)

    def closed(self, address: str) -> None:
        """A socket that was opened is closed."""
        self._total -= 1
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
        if self._changed is not None:
            self._changed.add(address)

    # Across nodes

    def share(self) -> None:
        """Count from now on what other nodes must know."""
        _ = self.collect(full=True)

    def collect(self, *, full: bool) -> tuple[dict[str, int], dict[str, int]]:
        """Attempts, and open sockets by address, that are new since the last call; with `full` all open sockets."""
        changed, self._changed = self._changed or set(), set()
        opened = dict(self._open) if full else {address: self._open.get(address, 0) for address in changed}
        return self._attempts.collect(), opened

    def elsewhere(self, node: str, opened: Mapping[str, int], attempts: Mapping[str, int], *, full: bool) -> None:
        """Take in what another node has told.

        Args:
            full: whether `opened` is all that it has, or what has changed.
        """
        known = {} if full else self._others.get(node, {})
        known = {address: count for address, count in (known | dict(opened)).items() if count > 0}
        if known:
            self._others[node] = known
        else:
            self._others.pop(node, None)
        self._attempts.spend(attempts, self._now())

    def _everywhere(self, address: str) -> int:
        return self._open[address] + sum(opened.get(address, 0) for opened in self._others.values())

    def sweep(self) -> None:
        """Forget buckets that are full again."""
        self._attempts.sweep(self._now())

    def __len__(self) -> int:
        """Addresses that something is remembered of."""
        return len(self._attempts) + len(self._open)
