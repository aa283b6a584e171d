"""Prints the part of requirements.lock that packages need on this machine, hashes and all: images need no test tools.

python tools/locked.py 'dist/bonsai_core-0.1.0-py3-none-any.whl[redis]' dist/bonsai_recs-*.whl > runtime.txt
pip install --require-hashes --no-deps -r runtime.txt
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"


def normal(name: str) -> str:
    """A package's name as every spelling of it compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(text: str) -> dict[str, str]:
    """The lock's entries by package, each with its hashes; one package may have several, by platform."""
    found: dict[str, str] = {}
    for match in re.finditer(r"^([\w.-]+).*(?:\n +--hash.*)*\n", text, re.MULTILINE):
        name = normal(match[1])
        found[name] = found.get(name, "") + match[0]
    return found


def needed(packages: list[str], lock: dict[str, str]) -> set[str]:
    """The names of everything that pip would install for `packages` at the locked versions.

    Args:
        packages: as pip takes them: names, or paths of wheels, with extras if need be.
    """
    pins = [line.rstrip(" \\") for entry in lock.values() for line in entry.splitlines() if not line.startswith(" ")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
            "--report",
            "-",
        ]
        done = subprocess.run([*command, "-c", constraints.name, *packages], stdout=subprocess.PIPE, check=True)
    return {normal(item["metadata"]["name"]) for item in json.loads(done.stdout)["install"]}


def main() -> int:
    """Print the entries."""
    lock = entries(LOCK.read_text())
    given = sys.argv[1:]
    ours = {normal(Path(package).name.partition("-")[0]) for package in given if ".whl" in package}
    names = needed(given, lock) - ours
    if missing := names - lock.keys():
        print(f"not in {LOCK.name}: {', '.join(sorted(missing))}; run `make lock`", file=sys.stderr)
        return 1
    print("".join(lock[name] for name in sorted(names)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
