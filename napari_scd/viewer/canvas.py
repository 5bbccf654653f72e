"""Keeps the canvas from drawing with the buffers of a layer that is gone.

vispy leaves vertex arrays switched on after a draw. When the layer they belong to (points, or an image with a
colour bar) is removed, its buffers are deleted, and the next layer that is drawn may read from them: some
drivers then end the process. Every draw switches on what it needs, so switching all of them off is harmless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from vispy.gloo import gl

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

MAX_VERTEX_ARRAYS = 16  # every OpenGL that napari runs on has at least so many


def switch_vertex_arrays_off(window: QWidget) -> None:
    """Switch off the vertex arrays of every canvas in a window; call it when layers went."""
    for canvas in window.findChildren(QOpenGLWidget):
        if canvas.isValid():
            canvas.makeCurrent()
            for index in range(MAX_VERTEX_ARRAYS):
                gl.glDisableVertexAttribArray(index)
            canvas.doneCurrent()
