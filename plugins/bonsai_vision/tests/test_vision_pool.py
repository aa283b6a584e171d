"""Worker processes: warm, bounded, replaced when they die, and gone when the server is."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from bonsai_vision.pool import Pool, PoolLimits
from bonsai_vision.process import JobError
from bonsai_vision.worker import TaskError, load

TASKS = Path(__file__).with_name("vision_tasks.py")

Start = Callable[..., Awaitable[Pool]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """`await start(workers=2)`: a pool whose first worker is ready; closed after the test."""
    pools: list[Pool] = []

    async def start(task: str = "Scripted", *, options: Any = None, ready: bool = True, **limits: Any) -> Pool:
        pool = Pool(f"{TASKS}:{task}", options, PoolLimits(**limits))
        pools.append(pool)
        pool.start()
        if ready:
            async with asyncio.timeout(20):
                await pool.ready.wait()
        return pool

    yield start
    for pool in pools:
        await pool.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not count."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def known(pid: int) -> bool:
    """Whether the system still knows of a process."""
    return Path(f"/proc/{pid}").exists()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - it is the system's doing, of which no event tells
            await asyncio.sleep(0.01)


async def test_a_job_is_done_in_another_process_and_its_steps_are_told(start: Start) -> None:
    pool = await start()
    steps: list[tuple[str, float, Mapping[str, Any] | None]] = []
    job = pool.submit({"do": "echo"}, b"\x00\xff" * 500_000, on_step=lambda *step: steps.append(step))
    answer = await job.result
    assert answer["text"] == "\x00\xff" * 500_000
    assert answer["pid"] == pool.pids[0] != os.getpid()
    assert steps == [("echo", 0.5, {"length": 1_000_000})]


async def test_workers_stay_warm(start: Start) -> None:
    pool = await start()
    answers = [await pool.submit({}).result for _ in range(5)]
    assert len({answer["pid"] for answer in answers}) == 1


async def test_every_worker_is_given_what_is_shared_also_those_to_come(start: Start) -> None:
    pool = await start(workers=2)
    pool.configure(b"the bank")
    assert (await pool.submit({}).result)["shared"] == "the bank"
    os.kill(pool.pids[0], signal.SIGKILL)
    os.kill(pool.pids[1], signal.SIGKILL)
    assert (await pool.submit({}).result)["shared"] == "the bank"


async def test_a_refusal_is_told_and_a_failure_tells_nothing_of_its_message(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await start()
    with pytest.raises(JobError, match="not_an_image: this is no picture"):
        await pool.submit({"do": "refuse"}).result
    with pytest.raises(JobError) as failed:
        await pool.submit({"do": "fail"}).result
    assert failed.value.code == "failed"
    assert "secret" not in failed.value.message
    assert "RuntimeError < __call__ (" in caplog.text
    assert "secret" not in caplog.text
    assert (await pool.submit({}).result)["pid"] == pool.pids[0]


async def test_a_killed_worker_is_replaced_and_its_job_done_all_the_same(start: Start, tmp_path: Path) -> None:
    pool = await start(options={"log": str(tmp_path / "log")})
    waiting = asyncio.Event()
    job = pool.submit({"do": "wait", "for": str(tmp_path / "go")}, on_step=lambda *_: waiting.set())
    await waiting.wait()
    first = pool.pids[0]
    os.kill(first, signal.SIGKILL)
    await until(lambda: bool(pool.pids) and pool.pids[0] != first)
    (tmp_path / "go").touch()
    assert await job.result == "waited"
    assert not alive(first)
    assert len((tmp_path / "log").read_text().splitlines()) == 2


async def test_a_job_that_kills_its_worker_is_tried_twice_and_then_refused(start: Start, tmp_path: Path) -> None:
    pool = await start(options={"log": str(tmp_path / "log")})
    with pytest.raises(JobError) as lost:
        await pool.submit({"do": "die"}).result
    assert lost.value.code == "worker_lost"
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    assert await pool.submit({"do": "die once", "mark": str(tmp_path / "mark")}).result == "survived"


async def test_a_worker_that_is_killed_before_it_has_read_its_job_leaves_no_error_behind(start: Start) -> None:
    pool = await start()
    troubles: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    first = pool.pids[0]
    os.kill(first, signal.SIGSTOP)
    job = pool.submit({}, b"x" * (1 << 20))
    await until(lambda: job.started)
    os.kill(first, signal.SIGKILL)
    assert (await job.result)["pid"] != first
    await pool.close()
    gc.collect()
    await asyncio.sleep(0)
    assert not troubles


async def test_an_idle_worker_that_is_killed_is_replaced_at_once(start: Start) -> None:
    pool = await start()
    first = pool.pids[0]
    os.kill(first, signal.SIGKILL)
    await until(lambda: pool.status()["workersReady"] == 1 and pool.pids[0] != first)


async def test_a_job_that_takes_too_long_ends_with_its_worker(start: Start) -> None:
    pool = await start(timeout_s=0.3)
    first = pool.pids[0]
    with pytest.raises(JobError) as late:
        await pool.submit({"do": "hang"}).result
    assert late.value.code == "timeout"
    assert (await pool.submit({}).result)["pid"] != first
    assert not alive(first)


async def test_a_job_that_is_cancelled_ends_at_its_next_step_and_its_worker_stays(start: Start, tmp_path: Path) -> None:
    pool = await start()
    waiting = asyncio.Event()
    job = pool.submit({"do": "wait", "for": str(tmp_path / "never")}, on_step=lambda *_: waiting.set())
    first = pool.pids[0]
    await waiting.wait()
    job.cancel()
    with pytest.raises(JobError, match="cancelled"):
        await job.result
    assert (await pool.submit({}).result)["pid"] == first


async def test_a_job_that_is_cancelled_and_takes_no_step_is_ended_with_its_worker(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonsai_vision.pool._GRACE", 0.05)
    pool = await start()
    hanging = asyncio.Event()
    job = pool.submit({"do": "hang"}, on_step=lambda *_: hanging.set())
    first = pool.pids[0]
    await hanging.wait()
    job.cancel()
    assert (await pool.submit({}).result)["pid"] != first


async def test_a_waiting_job_that_is_cancelled_is_never_begun(start: Start, tmp_path: Path) -> None:
    pool = await start(options={"log": str(tmp_path / "log")})
    busy = pool.submit({"do": "wait", "for": str(tmp_path / "go"), "name": "busy"})
    waiting = pool.submit({"name": "waiting"})
    assert (busy.started, waiting.started, len(pool)) == (True, False, 1)
    waiting.cancel()
    assert len(pool) == 0
    (tmp_path / "go").touch()
    await busy.result
    await pool.submit({"name": "next"}).result
    assert [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()] == ["busy", "next"]


async def test_a_full_queue_says_when_to_come_back(start: Start, tmp_path: Path) -> None:
    pool = await start(queue=2)
    jobs = [pool.submit({"do": "wait", "for": str(tmp_path / "go")}) for _ in range(3)]
    with pytest.raises(JobError) as full:
        pool.submit({})
    assert full.value.code == "overloaded"
    assert full.value.retry_after_ms is not None
    assert 250 <= full.value.retry_after_ms <= 30_000
    (tmp_path / "go").touch()
    assert await asyncio.gather(*(job.result for job in jobs)) == ["waited"] * 3


async def test_what_waits_is_bounded_in_bytes_as_well(start: Start, tmp_path: Path) -> None:
    pool = await start(queue_bytes=1000)
    busy = pool.submit({"do": "wait", "for": str(tmp_path / "go")}, bytes(5000))
    waiting = [pool.submit({}, bytes(600)), pool.submit({}, bytes(400))]
    with pytest.raises(JobError, match="overloaded"):
        pool.submit({}, b"1")
    (tmp_path / "go").touch()
    await asyncio.gather(busy.result, *(job.result for job in waiting))
    assert (await pool.submit({}, bytes(5000)).result)["text"] == "\0" * 5000


async def test_urgent_jobs_go_first(start: Start, tmp_path: Path) -> None:
    pool = await start(options={"log": str(tmp_path / "log")})
    busy = pool.submit({"do": "wait", "for": str(tmp_path / "go"), "name": "busy"})
    jobs = [pool.submit({"name": "picture"}), pool.submit({"name": "text"}, urgent=True)]
    (tmp_path / "go").touch()
    await asyncio.gather(busy.result, *(job.result for job in jobs))
    assert [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()] == ["busy", "text", "picture"]


async def test_a_worker_has_bounds_and_none_of_the_servers_secrets(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JWT_SECRET", "BONSAI_AI_KEY"):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("HOME_OF_TESTS", "kept")
    pool = await start(memory_mb=512, nice=7)
    facts = await pool.submit({"do": "facts"}).result
    assert facts["environment"] == {
        "JWT_SECRET": None,
        "BONSAI_AI_KEY": None,
        "OMP_NUM_THREADS": "1",
        "HOME_OF_TESTS": "kept",
    }
    assert facts["nice"] == min(os.nice(0) + 7, 19)
    assert (facts["memory"], facts["core"]) == (512 << 20, 0)
    assert facts["path"] == sys.path


async def test_a_job_that_wants_too_much_memory_is_refused_and_its_worker_replaced(start: Start) -> None:
    pool = await start(memory_mb=256)
    first = pool.pids[0]
    with pytest.raises(JobError) as swollen:
        await pool.submit({"do": "swell"}).result
    assert swollen.value.code == "out_of_memory"
    assert (await pool.submit({}).result)["pid"] != first


async def test_a_worker_is_replaced_after_so_many_jobs(start: Start) -> None:
    pool = await start(max_tasks=2)
    pids = [(await pool.submit({}).result)["pid"] for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


async def test_a_worker_that_talks_nonsense_is_replaced(start: Start) -> None:
    pool = await start()
    with pytest.raises(JobError) as lost:
        await pool.submit({"do": "nonsense"}).result
    assert lost.value.code == "worker_lost"
    assert (await pool.submit({}).result)["text"] == ""


async def test_jobs_wait_for_the_first_worker(start: Start, tmp_path: Path) -> None:
    pool = await start("slow", options={"until": str(tmp_path / "loaded")}, ready=False)
    job = pool.submit({}, b"early")
    assert pool.status() == {"workers": 1, "workersReady": 0, "waiting": 1}
    (tmp_path / "loaded").touch()
    assert (await job.result)["text"] == "early"
    assert pool.ready.is_set()


@pytest.mark.parametrize("limits", [{}, {"start_timeout_s": 0.2}])
async def test_a_task_that_cannot_be_loaded_refuses_its_jobs_and_says_why(
    start: Start, tmp_path: Path, limits: Any
) -> None:
    task, options = ("slow", {"until": str(tmp_path / "never")}) if limits else ("broken", None)
    pool = await start(task, options=options, ready=False, **limits)
    with pytest.raises(JobError) as refused:
        await pool.submit({}).result
    assert refused.value.code == "plugin_unavailable"
    assert ("takes more than 0.2 s" if limits else "OSError: no model here") in pool.status()["error"]
    with pytest.raises(JobError, match="workers do not start"):
        pool.submit({})


async def test_closing_ends_jobs_and_processes_at_once(start: Start) -> None:
    pool = await start(workers=2)
    await until(lambda: pool.status()["workersReady"] == 2)
    hanging = asyncio.Event()
    jobs = [pool.submit({"do": "hang"}, on_step=lambda *_: hanging.set()) for _ in range(3)]
    await hanging.wait()
    pids = pool.pids
    async with asyncio.timeout(5):
        await pool.close()
    answers = await asyncio.gather(*(job.result for job in jobs), return_exceptions=True)
    assert all(isinstance(answer, JobError) and answer.code == "plugin_unavailable" for answer in answers)
    assert not any(map(known, pids)), "ended, and waited for: not even a zombie"
    with pytest.raises(JobError, match="the server is stopping"):
        pool.submit({})


PARENT = """
import asyncio, sys
from bonsai_vision.pool import Pool, PoolLimits

async def main():
    pool = Pool(sys.argv[1], limits=PoolLimits(workers=2))
    pool.start()
    while pool.status()["workersReady"] < 2:
        await asyncio.sleep(0.01)
    pool.submit({"do": "hang"}, on_step=lambda *_: print(*pool.pids, flush=True))
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_workers_end_with_a_server_that_is_killed_even_while_they_work() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, f"{TASKS}:Scripted", stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    assert all(map(alive, pids))
    parent.kill()
    await parent.wait()
    await until(lambda: not any(map(alive, pids)))


def test_a_task_is_loaded_by_module_or_file() -> None:
    assert load("bonsai_vision.worker:TaskError") is TaskError
    assert load(f"{TASKS}:broken").__doc__ == "Cannot be loaded."
    for path in ("nowhere", "no.such.module:x", "bonsai_vision.worker:nothing", f"{TASKS}:nothing"):
        with pytest.raises(ImportError):
            load(path)
