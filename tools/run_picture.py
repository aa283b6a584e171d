"""Makes docs/images/run.svg: what `make run` shows on a terminal, with a store of its own, up to the page's address.

Its figures are those of the machine as it is: make it while nothing else runs.
"""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "run.svg"
WIDTH = 132
#: What its last line has.
LAST = b"view=progress"
#: What moves the cursor; a line that it comes back to is overwritten.
CONTROL = re.compile(r"\x1b\[\?25[hl]|\x1b\[\d*[AK]")


def record(store: Path) -> str:
    """Run it, and return what it has shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ |= {"STORE_URL": f"sqlite:///{store}", "TERM": "xterm-256color"}
        os.execv(sys.executable, [sys.executable, "tools/run_demo.py"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    shown = b""
    with contextlib.suppress(OSError):  # it has ended
        while LAST not in shown or not shown.endswith(b"\n"):
            shown += os.read(terminal, 65536)
    os.kill(pid, signal.SIGTERM) if LAST not in shown else os.write(terminal, b"\x03")
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass
    os.waitpid(pid, 0)
    return shown.decode()


def lines(shown: str) -> list[str]:
    """What is left on the screen, without the bar of a progress that is over."""
    found = [CONTROL.sub("", line.rstrip("\r").split("\r")[-1]).rstrip() for line in shown.split("\n")]
    return [line for line in found if "━" not in line]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, force_terminal=True, file=nowhere, highlight=False)
        console.print(Text.from_ansi("\x1b[32;1m$\x1b[0m make run"))
        for line in lines(record(Path(folder) / "bonsai.db")):
            console.print(Text.from_ansi(line))
    svg = console.export_svg(title="make run", unique_id="t")
    svg = re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL)  # no address of a font
    PICTURE.write_text(re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    main()
