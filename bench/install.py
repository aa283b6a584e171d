"""What is not part of our environment: each peer is installed by the benchmark, or is left out with a remark."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.servers import EXTRA, GATEWAY, NCHAN, NODE, PEERS, PYSOCKETIO, ROOT, NoPeer

#: Where Debian's package `libnginx-mod-nchan` puts it.
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_NCHAN_PACKAGE = "libnginx-mod-nchan"
#: Redis is no peer, but may be missing as they may.
REDIS = "redis"
#: What the Python packages of peers and of the plot are installed from.
_LOCK = PEERS / "requirements.txt"


def node() -> str:
    """Install the Node peers from their lock file if they are not there, and return socket.io's version.

    Raises:
        NoPeer: there is no Node or npm, or the installation failed.
    """
    _system("Node socket.io is left out", "node:nodejs", "npm")
    installed, lock = PEERS / "node_modules" / ".package-lock.json", PEERS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run("Node socket.io is left out", "npm", "ci", "--prefix", str(PEERS), "--no-audit", "--no-fund",
             "--ignore-scripts", "--loglevel=error")  # fmt: skip
        installed.touch()
    package = json.loads((PEERS / "node_modules" / "socket.io" / "package.json").read_text())
    return str(package["version"])


def nchan() -> str:
    """Install nginx with the module nchan from the system's packages if they are not there; returns nginx's version.

    Raises:
        NoPeer: it cannot be had here.
    """
    # The module is no command, so its name is only given while its file is missing.
    _system("nchan is left out", "nginx", *([] if NCHAN_MODULE.exists() else [_NCHAN_PACKAGE]))
    if not NCHAN_MODULE.exists():
        raise NoPeer(f"nchan is left out: {NCHAN_MODULE} is not there")
    nginx = _told("nginx", "-v").rpartition("/")[2]
    module = _told("dpkg-query", "-Wf", "${Version}", _NCHAN_PACKAGE) if shutil.which("dpkg-query") else "unknown"
    return f"{nginx} with nchan {module}"


def python() -> Path:
    """Install the Python packages of peers and plot into a folder of their own, hash for hash; returns the folder.

    Raises:
        NoPeer: the installation failed.
    """
    stamp = EXTRA / ".installed"
    if not stamp.exists() or stamp.read_text() != _LOCK.read_text():
        shutil.rmtree(EXTRA, ignore_errors=True)
        _run("python-socketio and the plot are left out", sys.executable, "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes", "--only-binary=:all:",
             "--target", str(EXTRA), "-r", str(_LOCK))  # fmt: skip
        stamp.write_text(_LOCK.read_text())
    return EXTRA


def pysocketio() -> str:
    """Install python-socketio, and return its version.

    Raises:
        NoPeer: the installation failed.
    """
    python()
    found = re.search(r"^python-socketio==(\S+)", _LOCK.read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def gateway() -> str:
    """The version of our plugin that speaks Socket.IO.

    Raises:
        NoPeer: it is not installed.
    """
    for entry in importlib.metadata.entry_points(group="bonsai.plugins", name="socketio"):
        return entry.dist.version if entry.dist is not None else "unknown"
    raise NoPeer("our Socket.IO gateway is left out: no plugin `socketio` is installed (run `make setup`)")


def redis() -> str:
    """Install Redis from the system's packages if it is not there, and return its version.

    Raises:
        NoPeer: it cannot be had here.
    """
    _system("the row with Redis is left out", "redis-server")
    found = re.search(r"v=(\S+)", _told("redis-server", "--version"))
    return found[1] if found else "unknown"


#: By the name of the kind of server; each gives the version of what is there then.
INSTALLERS = {NODE.name: node, NCHAN.name: nchan, PYSOCKETIO.name: pysocketio, GATEWAY.name: gateway, REDIS: redis}


def _system(otherwise: str, *programs: str) -> None:
    """Install programs of the system, as `tools/apt.sh` takes them."""
    _run(otherwise, str(ROOT / "tools" / "apt.sh"), *programs)


def _told(*command: str) -> str:
    """What a program prints, to whichever output."""
    return _done(*command).stdout.strip()


def _done(*command: str) -> subprocess.CompletedProcess[str]:
    # Programs of the system may be out of a plain user's path.
    env = os.environ | {"PATH": os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _run(otherwise: str, *command: str) -> None:
    done = _done(*command)
    if done.returncode:
        why = done.stdout.strip()[-1500:]
        raise NoPeer(f"{otherwise}: `{' '.join(command[:4])} ...` failed:\n{why}")
