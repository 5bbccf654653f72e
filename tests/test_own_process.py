"""What a process of our own sets before PyTorch is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_scd import own_process
from napari_scd.own_process import granted_cores, settle_threads

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "OMP_WAIT_POLICY",
    "KMP_BLOCKTIME",
    "GOMP_SPINCOUNT",
    "KMP_LIBRARY",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@pytest.fixture
def _before_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that what the test leaves is undone
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_before_torch")
def test_threads_sleep_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "granted_cores", lambda: None)
    settle_threads()
    assert {name: os.environ.get(name) for name in NAMES[:3]} == {
        "OMP_WAIT_POLICY": "PASSIVE",
        "KMP_BLOCKTIME": "0",
        "GOMP_SPINCOUNT": None,
    }
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.usefixtures("_before_torch")
@pytest.mark.parametrize("name", NAMES[:4])
def test_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "5")
    settle_threads()
    assert {other: os.environ[other] for other in NAMES[:4] if other in os.environ} == {name: "5"}


@pytest.mark.usefixtures("_before_torch")
def test_no_more_threads_than_granted_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "granted_cores", lambda: 3)
    settle_threads()
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    settle_threads()
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.parametrize(
    ("files", "usable", "cores"),
    [
        ({"cpu.max": "200000 100000\n"}, 64, 2),
        ({"cpu.max": "150000 100000\n"}, 64, 2),
        ({"cpu.max": "20000 100000\n"}, 64, 1),
        ({"cpu.max": "max 100000\n"}, 64, None),
        ({"cpu.max": "400000 100000\n"}, 4, None),
        ({"cpu.max": "nonsense\n"}, 64, None),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64, None),
        ({}, 64, None),
    ],
)
def test_cores_that_a_container_grants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], usable: int, cores: int | None
) -> None:
    monkeypatch.setattr(own_process, "usable_cores", lambda: usable)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert granted_cores(tmp_path) == cores


def test_the_library_changes_nothing_of_its_host() -> None:
    code = (
        "import os\n"
        "import napari_scd, napari_scd.engine, napari_scd.batch, napari_scd.cli\n"
        "from napari_scd import Session, load\n"
        f"assert not {{*{NAMES!r}}} & {{*os.environ}}"
    )
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    subprocess.run([sys.executable, "-c", code], check=True, env=kept, timeout=120)
