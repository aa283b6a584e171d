"""Checks of the settings as a whole, and of who can reach the server: port, origins, proxies, development mode."""

from __future__ import annotations

import contextlib
import difflib
import errno
import ipaddress
import json
import os
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from bonsai_core.doctor import Finding, ok, problem, warning
from bonsai_core.settings import Settings, SettingsError, env_name

_LOCAL = ("localhost", "127.0.0.1", "[::1]", "::1")


def settings(settings: Settings) -> Iterator[Finding]:
    """Would a server start with these?"""
    try:
        settings.check_startable()
    except SettingsError as error:
        for sentence in error.problems:
            what, dot, do = sentence.partition(". ")
            yield problem(what + dot.strip(), "A server does not start with it.", do or "See `bonsai settings`.")
    else:
        count = sum(settings.source_of(name) != "default" for name in type(settings).model_fields)
        yield ok(f"The settings are consistent; {count} {'is' if count == 1 else 'are'} not the default.")


def misspelt(settings: Settings) -> Iterator[Finding]:
    """Is there a variable that is nearly one of ours? (Plugins have BONSAI_ variables of their own.)"""
    known = [env_name(name) for name in type(settings).model_fields]
    for name in sorted(os.environ.keys() - set(known)):
        if not name.startswith(("BONSAI_", "WEBSOCKET_", "JWT_", "ALLOWED_", "STORE_", "REDIS_")):
            continue
        close = difflib.get_close_matches(name, known, 1, 0.9)
        if close:
            yield warning(
                f"The variable {name} is no setting; {close[0]} is.",
                "A misspelt variable is not seen, and the default holds.",
                f"Rename it to {close[0]}, or remove it.",
            )


def port(settings: Settings) -> Iterator[Finding]:
    """Is the port free, or does a server of ours answer there?"""
    host, number = settings.websocket_host, settings.websocket_port
    if number == 0:
        yield ok("WEBSOCKET_PORT is 0: any free port.")
        return
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host or None, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except socket.gaierror as error:
        yield problem(
            f"WEBSOCKET_HOST {host} is no address of this machine: {error.strerror}.",
            "A server cannot listen there.",
            "Set WEBSOCKET_HOST to 127.0.0.1, to 0.0.0.0 for every interface, or to one of this machine's addresses.",
        )
    except OSError as error:
        yield _taken(settings, host, number, error)
    else:
        yield ok(f"Port {number} on {host} is free.")


def _taken(settings: Settings, host: str, number: int, error: OSError) -> Finding:
    if error.errno == errno.EACCES:
        return problem(
            f"Port {number} may not be used by this user.",
            "Ports below 1024 belong to root.",
            "Take one above, such as 3001, behind a proxy that listens on 443.",
        )
    if error.errno != errno.EADDRINUSE:
        return problem(
            f"Nothing can listen on {host} port {number}: {error.strerror}.",
            "A server cannot start there.",
            "Correct WEBSOCKET_HOST or WEBSOCKET_PORT.",
        )
    health = _ask(settings)
    if health is None:
        return problem(
            f"Port {number} on {host} is taken by another program.",
            "A server cannot start there.",
            f"Find it (ss -ltnp 'sport = :{number}') and stop it, or set WEBSOCKET_PORT.",
        )
    if health.get("ready"):
        return ok(f"A server of ours runs on port {number}: node {health.get('node')}, ready.")
    return problem(
        f"A server of ours runs on port {number}, but is not ready: {_unready(health)}.",
        "Load balancers give it no new connections.",
        f"See what it says: curl http://{host}:{number}/readyz",
    )


def _unready(health: dict[str, Any]) -> str:
    plugins: dict[str, Any] = health.get("plugins") or {}
    waiting = sorted(name for name, state in plugins.items() if state.get("ready", True) is False)
    reasons = [] if health.get("store") == "ok" else [f"store {health.get('store')}"]
    reasons += ["it is stopping"] if health.get("draining") else []
    return ", ".join([*reasons, *(f"plugin {name}" for name in waiting)]) or "it does not say why"


def _ask(settings: Settings) -> dict[str, Any] | None:
    from bonsai_core.plugin_report import server_url

    request = urllib.request.Request(
        f"{server_url(settings)}/api/websocket", b'{"action": "health"}', {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError, ValueError), opener.open(request, timeout=3) as response:
        health = json.load(response)
        return health if isinstance(health, dict) and "node" in health else None
    return None


def origins(settings: Settings) -> Iterator[Finding]:
    """May the pages of the front end connect, and only those?"""
    if settings.dev:
        return
    if settings.source_of("allowed_origins") == "default" and settings.source_of("frontend_url") == "default":
        yield problem(
            f"Neither FRONTEND_URL nor ALLOWED_ORIGINS is set: only pages of {settings.frontend_url} may connect.",
            "Browsers of real students get 403.",
            "Set FRONTEND_URL (or ALLOWED_ORIGINS, several with commas) to where the front end is, such as "
            "https://app.example.com.",
        )
        return
    shown = sorted(settings.origins)
    local = [origin for origin in shown if urlsplit(origin).hostname in _LOCAL]
    plain = [origin for origin in shown if origin.startswith("http://") and origin not in local]
    if local and not settings.is_loopback:
        yield warning(
            f"Pages of this machine itself may connect: {', '.join(local)}.",
            "Any program on a student's computer that serves a page there can use the student's session.",
            "Leave local origins out of ALLOWED_ORIGINS in production.",
        )
    if plain:
        yield warning(
            f"Pages without TLS may connect: {', '.join(plain)}.",
            "Whoever sits on the way can change such a page and act for the student.",
            "Serve the front end with https:// and list that.",
        )
    if not local and not plain:
        yield ok(f"Browsers may connect from {', '.join(shown)}.")


def proxies(settings: Settings) -> Iterator[Finding]:
    """Is the client's address the client's?"""
    networks = [ipaddress.ip_network(text) for text in settings.trusted_proxies]
    wide = [str(net) for net in networks if net.prefixlen == 0 or (net.is_global and net.num_addresses > 2**20)]
    if wide:
        yield problem(
            f"BONSAI_TRUSTED_PROXIES believes nearly anybody: {', '.join(wide)}.",
            "Clients then say which address they have, and no limit by address holds.",
            "Name the networks of your own proxies alone, such as 10.0.0.0/24.",
        )
    elif networks:
        yield ok(f"X-Forwarded-For is believed from {', '.join(map(str, networks))}.")
    elif not settings.dev and settings.connections_per_ip:
        yield warning(
            "BONSAI_TRUSTED_PROXIES is empty: behind a proxy all clients share its address.",
            f"Together they may have {settings.connections_per_ip} connections (BONSAI_CONNECTIONS_PER_IP), then 429.",
            "Behind a proxy set BONSAI_TRUSTED_PROXIES to its network. Without one, this is as it should be.",
        )


def development(settings: Settings) -> Iterator[Finding]:
    """Is development mode only for this machine?"""
    if settings.dev and settings.trusted_proxies:
        yield problem(
            "Development mode is on, and proxies are named (BONSAI_TRUSTED_PROXIES).",
            "Development mode gives a token, of any role, to everybody who asks; a proxy brings them here.",
            "Leave development mode (BONSAI_DEV, --dev) and set JWT_SECRET or JWT_JWKS_URL.",
        )
