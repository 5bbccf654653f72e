"""What all tests share: one thread, no display needed, a tiny network with random weights."""

from __future__ import annotations

import os
import sys

import pytest

os.environ.setdefault("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")


def has_display() -> bool:
    """Tell whether a real window can be opened."""
    names_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return names_display or not sys.platform.startswith("linux")


if not has_display():
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests in a real window where there is none."""
    if has_display():
        return
    skip = pytest.mark.skip(reason="needs a display: run under xvfb-run -a -s '-screen 0 1600x1000x24'")
    for item in items:
        if "window" in item.keywords or "make_napari_viewer" in getattr(item, "fixturenames", ()):
            item.add_marker(skip)
