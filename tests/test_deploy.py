"""What `deploy/` and `docs/operations/` say fits the code: names, values, paths, and the times that a stop may take."""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from bonsai_core.cli import cli
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing import StartServer
from bonsai_core.workers import GRACE

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
TEXTS = {
    path.name: path.read_text()
    for path in [*DEPLOY.glob("*.*"), DEPLOY / "Dockerfile", *ROOT.glob("docs/operations/*.md")]
}
DOCKERFILE = re.sub(r"\\\n *", "", TEXTS["Dockerfile"])
COMPOSE: dict[str, Any] = yaml.safe_load(TEXTS["compose.yaml"])
KUBERNETES: dict[str, Any] = {document["kind"]: document for document in yaml.safe_load_all(TEXTS["kubernetes.yaml"])}

SETTINGS = {env_name(field): field for field in Settings.model_fields}
SETTING = re.compile(r"\b(?:BONSAI|JWT|WEBSOCKET|REDIS|STORE|FRONTEND|ALLOWED)_[A-Z0-9_]*[A-Z0-9]\b")

DEFAULT = Settings(env_file=None)
#: What a server, or its workers, may take to stop, in seconds.
STOP = (DEFAULT.drain_timeout_ms + DEFAULT.close_timeout_ms) / 1000 + GRACE


def options_of(command: click.Command) -> Iterator[str]:
    """The variables that a command and those below it read as options."""
    context = click.Context(command)
    yield from (option.envvar for option in command.params if isinstance(option.envvar, str))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options_of(below)


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = KUBERNETES["Deployment"]["spec"]["template"]["spec"]
    return spec


def service(name: str) -> str:
    """The value of one line of the systemd unit."""
    return re.search(rf"^{name}=(.*)$", TEXTS["bonsai.service"], re.MULTILINE)[1]  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_variable_that_is_named_is_a_setting(name: str) -> None:
    assert set(SETTING.findall(TEXTS[name])) - SETTINGS.keys() - set(options_of(cli)) == set()


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_address_but_of_examples_and_our_own(name: str) -> None:
    hosts = set(re.findall(r"https?://(?:[^\s@/]*@)?([A-Za-z0-9.-]+)", TEXTS[name]))
    assert {
        host for host in hosts if not re.fullmatch(r"localhost|127\.0\.0\.1|([a-z]+\.)?example\.com", host)
    } == set()


def test_the_values_that_are_set_are_accepted() -> None:
    compose = {name: str(value) for name, value in COMPOSE["services"]["node"]["environment"].items()}
    pods = {entry["name"]: entry["value"] for entry in pod()["containers"][0]["env"]}
    unit = dict(pair.split("=", 1) for pair in service("Environment").split())
    image = dict(
        pair.split("=", 1) for pair in re.findall(r"(\w+=\S+)", re.findall(r"^ENV (.*)$", DOCKERFILE, re.M)[-1])
    )
    for given in (compose, pods, unit, image):
        known = {name: value for name, value in given.items() if name in SETTINGS}
        assert known, "something is set"
        values = {SETTINGS[name]: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in known.items()}
        Settings(env_file=None, **values)


def test_what_the_image_is_built_from_is_there_and_reaches_the_builder() -> None:
    sources = {
        source
        for arguments in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in arguments.split()[:-1]
    }
    assert sources
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore, "nothing reaches it that is not named"
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert {source for source in sources if f"!{source}" not in ignore} == set()


def test_the_image_runs_as_nobody_special_and_the_pod_as_the_same() -> None:
    *_, user = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert int(user) == pod()["securityContext"]["runAsUser"] > 0
    assert f"uid={user}" in COMPOSE["services"]["node"]["tmpfs"][1]
    assert f"--uid {user} " in DOCKERFILE


async def test_the_health_check_of_the_image_follows_readiness(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[])
    port = int(server.url.rpartition(":")[2])
    check = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])  # type: ignore[index]

    async def healthy() -> bool:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *check[1:]),
            env=os.environ | {"WEBSOCKET_PORT": str(port)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait() == 0

    assert check[0] == "python"
    assert await healthy()
    server.app.draining = True
    assert not await healthy()


def test_the_probes_ask_what_the_server_answers() -> None:
    container = pod()["containers"][0]
    paths = {
        probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert "option httpchk GET /readyz" in TEXTS["haproxy.cfg"]


def test_whoever_stops_a_server_waits_longer_than_it_takes() -> None:
    assert float(COMPOSE["services"]["node"]["stop_grace_period"].removesuffix("s")) > STOP
    assert float(service("TimeoutStopSec")) > STOP
    before = float(pod()["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod()["terminationGracePeriodSeconds"] > before + STOP


def test_proxies_outwait_a_heartbeat() -> None:
    heartbeat = (DEFAULT.heartbeat_interval_ms + DEFAULT.heartbeat_timeout_ms) / 1000
    tunnel = re.search(r"^ *timeout tunnel (\d+)s$", TEXTS["haproxy.cfg"], re.MULTILINE)
    assert tunnel is not None
    annotations = KUBERNETES["Ingress"]["metadata"]["annotations"]
    assert float(tunnel[1]) > heartbeat
    assert float(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > heartbeat


def test_there_is_a_descriptor_for_every_connection() -> None:
    assert int(service("LimitNOFILE")) > DEFAULT.max_connections
    assert COMPOSE["services"]["node"]["ulimits"]["nofile"]["soft"] > DEFAULT.max_connections


def test_the_load_balancer_reaches_the_nodes_that_the_compose_file_starts() -> None:
    assert re.search(r"^ *server-template node \d+ node:3001$", TEXTS["haproxy.cfg"], re.MULTILINE)
    assert "node" in COMPOSE["services"]
    subnet = COMPOSE["networks"]["edge"]["ipam"]["config"][0]["subnet"]
    assert COMPOSE["services"]["node"]["environment"]["BONSAI_TRUSTED_PROXIES"] == subnet
    assert [COMPOSE["services"][name]["networks"] for name in ("node", "lb")] == [["default", "edge"], ["edge"]]


def test_redis_keeps_what_was_acked() -> None:
    command = " ".join(COMPOSE["services"]["redis"]["command"])
    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert option in command
    assert COMPOSE["services"]["redis"]["volumes"] == ["redis:/data"]


def test_the_part_of_the_lock_for_an_image_is_found_by_package() -> None:
    script = runpy.run_path(str(ROOT / "tools" / "locked.py"))
    lock, normal = script["entries"]((ROOT / "requirements.lock").read_text()), script["normal"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in (*project["dependencies"], *project["optional-dependencies"]["redis"]):
        name = normal(re.match(r"[\w.-]+", requirement)[0])  # type: ignore[index]
        assert all(
            re.match(r"\S+==\S+", line) or line.startswith("    --hash=sha256:") for line in lock[name].splitlines()
        )
        assert "--hash=sha256:" in lock[name]
