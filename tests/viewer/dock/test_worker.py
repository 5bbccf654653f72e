from __future__ import annotations

import gc
import threading
import time
import weakref
from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from napari_scd.viewer.dock import worker as tasks  # noqa: E402
from napari_scd.viewer.dock.worker import WorkerQueue  # noqa: E402
from napari_scd.viewer.logic.jobs import DockJob  # noqa: E402


class Heard:
    def __init__(self) -> None:
        self.done: list[Any] = []
        self.failed: list[BaseException] = []
        self.steps: list[Any] = []
        self.threads: set[str] = set()

    def work(self, kind: str, run: Any) -> DockJob:
        return DockJob(kind, run, self.take(self.done), self.take(self.failed), self.take(self.steps))

    def take(self, shelf: list[Any]) -> Any:
        def put(value: Any) -> None:
            self.threads.add(threading.current_thread().name)
            shelf.append(value)

        return put


@pytest.fixture
def queue(qtbot: Any) -> Any:
    made = WorkerQueue()
    yield made
    made.close()
    qtbot.waitUntil(lambda: made.running is None, timeout=20000)


def test_results_and_progress_come_in_the_gui_thread(queue: Any, qtbot: Any) -> None:
    heard, where = Heard(), []

    def run(progress: Any, cancel: Any) -> int:
        where.append(threading.current_thread().name)
        progress("half")
        return 42

    queue.submit(heard.work("a", run))
    qtbot.waitUntil(lambda: heard.done == [42], timeout=20000)
    assert heard.steps == ["half"] and heard.threads == {threading.current_thread().name}
    assert where != [threading.current_thread().name]


def test_a_held_queue_runs_nothing_until_it_is_released(qtbot: Any) -> None:
    queue, heard = WorkerQueue(held=True), Heard()
    queue.submit(heard.work("a", lambda progress, cancel: 1))
    queue.submit(heard.work("b", lambda progress, cancel: 2))
    qtbot.wait(50)
    assert queue.running is None and queue.waiting == ("a", "b") and not heard.done
    queue.release()
    qtbot.waitUntil(lambda: heard.done == [1, 2], timeout=20000)
    queue.close()


@pytest.mark.parametrize(
    "problem", [RuntimeError("shapes cannot be multiplied"), MemoryError(), ValueError("x")]
)
def test_every_error_is_heard_and_the_queue_goes_on(queue: Any, qtbot: Any, problem: Exception) -> None:
    heard = Heard()

    def fail(progress: Any, cancel: Any) -> None:
        raise problem

    queue.submit(heard.work("a", fail))
    queue.submit(heard.work("b", lambda progress, cancel: "ok"))
    qtbot.waitUntil(lambda: heard.done == ["ok"], timeout=20000)
    assert heard.failed == [problem]
    qtbot.waitUntil(lambda: queue.running is None, timeout=20000)


def wait_for_cancel(progress: Any, cancel: Any) -> str:
    while not cancel.cancelled:
        time.sleep(0.005)
    return "partial"


def test_cancel_stops_and_keeps_the_partial_result(queue: Any, qtbot: Any) -> None:
    heard = Heard()
    queue.submit(heard.work("a", wait_for_cancel))
    qtbot.waitUntil(lambda: queue.running == "a", timeout=20000)
    queue.cancel()
    qtbot.waitUntil(lambda: heard.done == ["partial"], timeout=20000)


def test_a_waiting_job_is_replaced_by_a_newer_one_of_its_kind(queue: Any, qtbot: Any) -> None:
    heard, gate = Heard(), threading.Event()
    queue.submit(heard.work("first", lambda progress, cancel: gate.wait(20)))
    for number in range(10):
        queue.submit(heard.work("window", lambda progress, cancel, number=number: number))
    for number in (100, 101):
        run = lambda progress, cancel, number=number: number  # noqa: E731
        queue.submit(heard.work("click", run), replace=False)
    gate.set()
    qtbot.waitUntil(lambda: len(heard.done) == 4, timeout=20000)
    assert heard.done == [True, 9, 100, 101]


def test_a_closed_queue_calls_nobody(queue: Any, qtbot: Any) -> None:
    heard = Heard()
    queue.submit(heard.work("a", wait_for_cancel))
    qtbot.waitUntil(lambda: queue.running == "a", timeout=20000)
    queue.close()
    queue.submit(heard.work("b", lambda progress, cancel: 1))
    qtbot.waitUntil(lambda: queue.running is None, timeout=20000)
    assert heard.done == []


def test_a_finished_job_is_forgotten_although_something_keeps_its_worker(
    queue: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """napari's list of tasks keeps what it was given as long as its window lives."""
    kept: list[Any] = []
    make = tasks.create_worker

    def keep(*arguments: Any, **keywords: Any) -> Any:
        worker = make(*arguments, **keywords)
        kept.extend([worker, worker.quit, *arguments])
        return worker

    class Scan:
        """Something large that a job works on."""

    monkeypatch.setattr(tasks, "create_worker", keep)
    heard, scan = Heard(), Scan()
    alive = weakref.ref(scan)
    queue.submit(heard.work("a", lambda progress, cancel, scan=scan: type(scan).__name__))
    del scan
    qtbot.waitUntil(lambda: heard.done == ["Scan"] and queue.running is None, timeout=20000)
    gc.collect()
    assert kept and alive() is None
    assert str(kept[2]) == "napari-scd (a)"
