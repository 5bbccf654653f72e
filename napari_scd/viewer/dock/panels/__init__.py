"""The dock's panels: each shows a part of the choices and emits signals; none knows another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.dock.panels.advanced import AdvancedPanel as AdvancedPanel
    from napari_scd.viewer.dock.panels.ct_window import CtWindowRow as CtWindowRow
    from napari_scd.viewer.dock.panels.edit import EditPanel as EditPanel
    from napari_scd.viewer.dock.panels.input import InputPanel as InputPanel
    from napari_scd.viewer.dock.panels.objects import ObjectsPanel as ObjectsPanel
    from napari_scd.viewer.dock.panels.parts import Chooser as Chooser
    from napari_scd.viewer.dock.panels.parts import Panel as Panel
    from napari_scd.viewer.dock.panels.parts import flow as flow
    from napari_scd.viewer.dock.panels.plane_pane import PlanePane as PlanePane
    from napari_scd.viewer.dock.panels.result import ResultPanel as ResultPanel
    from napari_scd.viewer.dock.panels.run import RunPanel as RunPanel
    from napari_scd.viewer.dock.panels.tokens import TokensPanel as TokensPanel

_HOME_OF = {
    "AdvancedPanel": "advanced",
    "CtWindowRow": "ct_window",
    "Chooser": "parts",
    "EditPanel": "edit",
    "InputPanel": "input",
    "ObjectsPanel": "objects",
    "PlanePane": "plane_pane",
    "Panel": "parts",
    "ResultPanel": "result",
    "RunPanel": "run",
    "TokensPanel": "tokens",
    "flow": "parts",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
