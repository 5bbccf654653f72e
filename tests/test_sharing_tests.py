"""How the tests themselves are shared among processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from . import conftest
from .one_window_at_a_time import WITH_WINDOWS, OneWindowAtATime

if TYPE_CHECKING:
    from pathlib import Path

TESTS = (
    "tests/cli/test_app.py::test_a",
    "tests/window/test_dock.py::test_b[x]",
    "tests/cli/test_app.py::test_c",
    "tests/viewer/dock/test_panels.py::test_d",
    "tests/volume/test_volume.py::test_e",
    "tests/volume/test_sides.py::test_f",
    "tests/window/test_dock.py::test_g",
)


class Worker:
    """Takes down which tests it is given."""

    shutting_down = False
    gateway = SimpleNamespace(id="a")

    def __init__(self) -> None:
        self.given: list[str] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.given += [TESTS[number] for number in numbers]

    def shutdown(self) -> None:
        self.shutting_down = True


def test_windows_come_first_and_open_in_one_process() -> None:
    option = SimpleNamespace(loadscopereorder=True)
    config: Any = SimpleNamespace(option=option, getvalue=lambda name: ["popen"] * 2 if name == "tx" else [])
    scheduler = OneWindowAtATime(config)
    first, second = Worker(), Worker()
    for worker in (first, second):
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, TESTS)
    scheduler.schedule()
    assert first.given == [test for test in TESTS if test.startswith(WITH_WINDOWS)]
    assert second.given[:2] == ["tests/cli/test_app.py::test_a", "tests/cli/test_app.py::test_c"]
    for worker in (second, first):
        for test in list(worker.given):
            scheduler.mark_test_complete(worker, TESTS.index(test))
    assert sorted(first.given + second.given) == sorted(TESTS)


def test_every_file_that_opens_windows_is_among_them(request: pytest.FixtureRequest) -> None:
    root = request.config.rootpath
    marks = ("mark.window", "qtbot: Any", "make_napari_viewer")
    for path in (root / "tests").rglob("test_*.py"):
        if path.name != "test_sharing_tests.py" and any(m in path.read_text("utf-8") for m in marks):
            assert path.relative_to(root).as_posix().startswith(WITH_WINDOWS), path


@pytest.mark.parametrize(
    ("cores", "words", "processes"),
    [
        (1, ["tests"], 0),
        (2, ["tests"], 2),
        (64, ["tests"], 4),
        (2, ["tests/a.py"], 0),
        (2, ["tests", "tests/a.py"], 0),
    ],
)
def test_as_many_processes_as_cores_except_for_single_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: int, words: list[str], processes: int
) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(conftest, "granted_cores", lambda: None)
    monkeypatch.setattr(conftest, "usable_cores", lambda: cores)
    config: Any = SimpleNamespace(args=words)
    assert conftest.pytest_xdist_auto_num_workers(config) == processes
