"""The flame graph: stacks of the loop's thread as a tree, whatever else was sampled."""

from __future__ import annotations

import pytest

from bench.flame import read

LOOP = "main (cli.py:1);run (uvloop/__init__.py:92);Runner.run (asyncio/runners.py:118)"


def test_lines_of_a_function_count_together_and_other_threads_do_not() -> None:
    text = "\n".join(
        (
            f"{LOOP};work (bonsai_core/sockets.py:1);take (bonsai_core/limits.py:7) 3",
            f"{LOOP};work (bonsai_core/sockets.py:2) 2",
            f"{LOOP} 5",
            "Thread.run (threading.py:1);wait (threading.py:2) 90",
        )
    )
    tree = read(text)
    assert tree.count == 10
    (work,) = tree.calls.values()
    assert (work.count, [call.count for call in work.calls.values()]) == (5, [3])


@pytest.mark.parametrize("text", ["", "no samples at all", "Thread.run (threading.py:1) 3"])
def test_what_has_no_loop_in_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="uvloop"):
        read(text)
