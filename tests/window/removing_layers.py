"""Removes a layer with a colour bar and draws another; a process of its own, because it may end it."""

from __future__ import annotations

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_scd.viewer.dock.widget import ScdWidget


def paint() -> None:
    for _ in range(5):
        QApplication.processEvents()


viewer = napari.Viewer()
viewer.window.resize(1200, 850)
widget = ScdWidget(viewer)
viewer.window.add_dock_widget(widget)
viewer.add_image(np.random.default_rng(0).random((40, 60, 60), np.float32))
paint()
score = viewer.add_image(np.ones((5, 8, 8), np.float32), scale=(8, 8, 8), blending="additive")
paint()
score.colorbar.visible = True
paint()
viewer.layers.remove(score)
paint()
viewer.add_labels(np.ones((40, 60, 60), np.uint8))
paint()
viewer.dims.set_point(0, 10)
paint()
widget.tear_down()
while widget.controller.busy:
    QApplication.processEvents()
viewer.close()
print("all drawn")
