"""What all tests share: one thread per process, a process per core, no display needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from napari_scd.own_process import granted_cores, usable_cores

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling

MOST_PROCESSES = 4

# before PyTorch is loaded: each process has one core, and the threads of several would wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
os.environ.setdefault("PYTHONHASHSEED", "0")  # of further processes: sets have one order in all of them
os.environ.setdefault("NAPARI_CONFIG", "")  # napari's settings are neither read nor written


def has_display() -> bool:
    """Tell whether a real window can be opened."""
    names_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return names_display or not sys.platform.startswith("linux")


if not has_display():
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use a process per core; none but this one for single files, which start sooner without others."""
    folders = all(Path(word.partition("::")[0]).is_dir() for word in config.args)
    processes = min(granted_cores() or usable_cores(), MOST_PROCESSES)
    return processes if folders and processes > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Give each file to one process, and all files that open windows to the same one."""
    from .one_window_at_a_time import OneWindowAtATime

    return OneWindowAtATime(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests in a real window where there is none."""
    if has_display():
        return
    skip = pytest.mark.skip(reason="needs a display: run under xvfb-run -a -s '-screen 0 1600x1000x24'")
    for item in items:
        if "window" in item.keywords or "make_napari_viewer" in getattr(item, "fixturenames", ()):
            item.add_marker(skip)
