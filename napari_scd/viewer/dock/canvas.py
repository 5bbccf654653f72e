"""Frees what a removed layer held in OpenGL, and keeps the canvas from drawing with it.

napari deletes the textures, buffers and programs of a layer as it is removed, but at a time when no OpenGL
context is current: they stay, half a megabyte and more for every layer. So the canvas is made current before.

vispy leaves vertex arrays switched on after a draw. When the layer they belong to (points, or an image with a
colour bar) is removed, its buffers are deleted, and the next layer that is drawn may read from them: some
drivers then end the process. Every draw switches on what it needs, so switching all of them off is harmless.

Where two windows are open and one is closed, the canvas of the other may be current: napari then deletes what
the other one draws with under the same numbers, and its next draw ends the process. So the guard outlives the
dock.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from vispy.gloo import gl

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QWidget

_GUARDED = "scd_canvas_guard"
MAX_VERTEX_ARRAYS = 16  # every OpenGL that napari runs on has at least so many


def guard_canvas(viewer: napari.viewer.Viewer, window: QWidget) -> None:
    """Make the canvas of a viewer's window current whenever a layer is about to go."""
    if window.property(_GUARDED):
        return
    window.setProperty(_GUARDED, True)

    held = weakref.ref(window)  # the viewer lives as long as its guard, the window must not

    def on_removing(event: Any = None) -> None:
        window = held()
        if window is not None:
            make_canvas_current(window)

    viewer.layers.events.removing.connect(on_removing)


def make_canvas_current(window: QWidget) -> None:
    """Make a canvas of a window current. They share what they hold."""
    try:
        canvas = next((one for one in window.findChildren(QOpenGLWidget) if one.isValid()), None)
    except RuntimeError:  # Qt has deleted what Python still holds
        return
    if canvas is not None:
        canvas.makeCurrent()


def paint_now(window: QWidget | None) -> None:
    """Paint the canvases of a window at once, not when the event loop comes round."""
    for canvas in window.findChildren(QOpenGLWidget) if window is not None else ():
        if canvas.isValid() and canvas.isVisible():
            canvas.repaint()


def switch_vertex_arrays_off(window: QWidget | None) -> None:
    """Switch off the vertex arrays of every canvas in a window; call it after layers were removed."""
    for canvas in window.findChildren(QOpenGLWidget) if window is not None else ():
        if canvas.isValid():
            canvas.makeCurrent()
            for index in range(MAX_VERTEX_ARRAYS):
                gl.glDisableVertexAttribArray(index)
            canvas.doneCurrent()
