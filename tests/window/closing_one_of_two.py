"""Closes one of two windows and draws in the other; a process of its own, because it may end it."""

from __future__ import annotations

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_scd.viewer.dock.widget import ScdWidget


def paint() -> None:
    for _ in range(8):
        QApplication.processEvents()


def open_window() -> tuple[napari.Viewer, ScdWidget]:
    viewer = napari.Viewer()
    viewer.window.resize(1000, 700)
    widget = ScdWidget(viewer)
    viewer.window.add_dock_widget(widget)
    viewer.add_image(np.random.default_rng(0).random((24, 28, 32), np.float32))
    paint()
    viewer.add_labels(np.ones((24, 28, 32), np.uint8))
    paint()
    return viewer, widget


def tear_down(widget: ScdWidget) -> None:
    widget.tear_down()
    while widget.controller.busy:
        QApplication.processEvents()


first, its_dock = open_window()
second, other_dock = open_window()
tear_down(its_dock)
first.close()
paint()
second.dims.set_point(0, 10)
second.layers[0].contrast_limits = (0.0, 0.5)
paint()
tear_down(other_dock)
second.close()
print("all drawn")
