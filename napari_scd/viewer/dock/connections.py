"""What the user asks for in the panels and the controller does by itself: one signal, one method."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_scd.viewer.dock.display import Panels
    from napari_scd.viewer.logic import Controller


def connect_to_controller(panels: Panels, control: Controller) -> None:
    """Connect the signals of the panels that go straight to the controller."""
    panels.input.plane_wanted.connect(control.show_view)
    panels.run.segment_wanted.connect(control.segment)
    panels.run.cancel_wanted.connect(control.cancel)
    panels.run.replay_wanted.connect(control.replay)
    panels.tokens.show_chosen.connect(control.set_show)
    panels.tokens.compare_wanted.connect(control.compare)
    panels.tokens.explode_wanted.connect(control.explode)
    panels.result.structure_clicked.connect(control.go_to)
    panels.result.structure_clicked.connect(panels.tools.choose)
    panels.objects.chosen.connect(panels.tools.choose)
    panels.result.accept_wanted.connect(control.accept)
    panels.result.discard_wanted.connect(control.discard)
