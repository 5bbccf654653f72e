"""Frees what a removed layer held in OpenGL, and keeps the canvas from drawing with it.

napari deletes the textures, buffers and programs of a layer as it is removed, but at a time when no OpenGL
context is current: they stay, half a megabyte and more for every layer. So the canvas is made current before.

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


def make_canvas_current(window: QWidget | None) -> None:
    """Make a canvas of a window current; call it when a layer is about to go. They share what they hold."""
    if window is None:
        return
    canvas = next((one for one in window.findChildren(QOpenGLWidget) if one.isValid()), None)
    if canvas is not None:
        canvas.makeCurrent()


def switch_vertex_arrays_off(window: QWidget | None) -> None:
    """Switch off the vertex arrays of every canvas in a window; call it when layers went."""
    for canvas in window.findChildren(QOpenGLWidget) if window is not None else ():
        if canvas.isValid():
            canvas.makeCurrent()
            for index in range(MAX_VERTEX_ARRAYS):
                gl.glDisableVertexAttribArray(index)
            canvas.doneCurrent()
