"""Tasks for the worker processes of the pool's tests; they are loaded by this file's path."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Progress = Callable[[str, float, Mapping[str, Any] | None], None]


class Scripted:
    """Does what its requests say."""

    def __init__(self, log: str = "") -> None:
        self._log = Path(log) if log else None
        self._shared = ""

    def configure(self, data: bytes) -> None:
        self._shared = data.decode()

    def __call__(self, request: Mapping[str, Any], data: bytes, progress: Progress) -> Any:
        from bonsai_vision.worker import TaskError

        if self._log is not None:
            with self._log.open("a") as log:
                log.write(f"{os.getpid()} {request.get('name', '')}\n")
        print("a library that prints must not break the pipe")
        match request.get("do", "echo"):
            case "echo":
                progress("echo", 0.5, {"length": len(data)})
                return {"text": data.decode("latin-1"), "shared": self._shared, "pid": os.getpid()}
            case "wait":  # until a file appears
                progress("waiting", 0.1, None)
                while not Path(request["for"]).exists():
                    time.sleep(0.005)
                    progress("waiting", 0.2, None)
                return "waited"
            case "hang":
                progress("hanging", 0.1, None)
                time.sleep(600)
            case "die once":
                if not Path(request["mark"]).exists():
                    Path(request["mark"]).touch()
                    os.abort()
                return "survived"
            case "die":
                os.abort()
            case "refuse":
                raise TaskError("not_an_image", "this is no picture")
            case "fail":
                raise RuntimeError("with a secret in its message")
            case "swell":
                return len(bytearray(1 << 33))
            case "facts":
                import resource

                names = ("JWT_SECRET", "BONSAI_AI_KEY", "OMP_NUM_THREADS", "HOME_OF_TESTS")
                return {
                    "environment": {name: os.environ.get(name) for name in names},
                    "nice": os.nice(0),
                    "memory": resource.getrlimit(resource.RLIMIT_DATA)[0],
                    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
                    "path": sys.path,
                }
            case "nonsense":
                for pipe in range(3, 8):  # one of them is the answers'
                    with contextlib.suppress(OSError):
                        os.write(pipe, b"\xff" * 64)
                time.sleep(600)
        return None


def broken() -> Any:
    """Cannot be loaded."""
    raise OSError("no model here")


def slow(until: str) -> Any:
    """Is loaded when a file appears."""
    while not Path(until).exists():
        time.sleep(0.005)
    return Scripted()


#: What a scripted picture begins with, so that it passes for one.
PNG = b"\x89PNG\r\n\x1a\n"


class Reader:
    """Stands for the pipeline: a "picture" is `PNG` and JSON that says what is read from it and how that goes.

    `{"text", "wait"?: a file to wait for, "die"?: true, "log"?: a file that every reading is written to}`
    """

    def __init__(self, stages: Mapping[str, str], max_bytes: int, max_pixels: int) -> None:
        self._known: list[dict[str, Any]] = []

    def configure(self, data: bytes) -> None:
        self._known = json.loads(data)

    def __call__(self, request: Mapping[str, Any], data: bytes, progress: Progress) -> Any:
        script = json.loads(data.removeprefix(PNG)) if request["kind"] == "image" else {"text": data.decode()}
        text = script["text"]
        if "log" in script:
            with Path(script["log"]).open("a") as log:
                log.write(f"{text}\n")
        progress("decode", 0.1, None)
        while "wait" in script and not Path(script["wait"]).exists():
            time.sleep(0.005)
            progress("decode", 0.1, None)
        if "die" in script:
            os.abort()
        progress("ocr", 0.7, {"text": text})
        analysis = {
            "text": text,
            "stem": text,
            "section": "Math",
            "domain": "Algebra",
            "skill": "Linear functions",
            "difficulty": {"easy": 0.2, "medium": 0.5, "hard": 0.3},
            "confidence": {"section": 0.99, "domain": 0.9, "skill": script.get("skill", 0.8)},
            "insights": [{"kind": "goal", "text": "Find the slope."}],
            "matchedQuestionId": next((known["id"] for known in self._known if known["stem"] == text), None),
        }
        return {"analysis": analysis, "timings": {"decode": 1.0, "ocr": 2.0}}


class Late(Reader):
    """Is loaded when the file that the environment names appears."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        while not Path(os.environ["VISION_TEST_LOADED"]).exists():
            time.sleep(0.005)
