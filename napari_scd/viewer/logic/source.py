"""Getting ready: which image, which model, and loading both in the background."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.viewer.layers import source_view as geometry
from napari_scd.viewer.logic import state
from napari_scd.viewer.logic.state import State, Status

if TYPE_CHECKING:
    from napari_scd.engine import Plan
    from napari_scd.viewer.layers.source_view import SourceView
    from napari_scd.viewer.logic.backend import Prepared
    from napari_scd.viewer.logic.controller import Controller


class Intake:
    """Follows the chosen image and model.

    Attributes
    ----------
    view
        The image as it is to be segmented; None while there is none that can be.
    prepared
        The loaded model and the plan of a run; None until both are ready.
    key
        What results depend on: the image's voxels and place, and the model.
    """

    def __init__(self, controller: Controller) -> None:
        self._control = controller
        self.view: SourceView | None = None
        self.prepared: Prepared | None = None
        self.key: tuple[Any, ...] | None = None
        self._preloaded = False

    @property
    def can_segment(self) -> bool:
        """Whether the whole volume may be segmented: not with a click model, unless it fits its window."""
        if self.prepared is None:
            return False
        return self.prepared.checkpoint.recipe.field != "click" or self.prepared.plan.n_windows == 1

    def preload(self) -> None:
        """Import torch and load the chosen model in the background."""
        control = self._control
        control.submit("preload", control.bench.preload, self._on_preloaded, lasting=True)
        self.refresh(again=True)
        if self.view is None and control.choices.model is not None:
            run = partial(control.bench.prepare, None, control.choices.copy())
            control.submit("warm", run, lambda _: None, silent=True)

    def refresh(self, *, again: bool = False) -> None:
        """Look at the chosen image and model; prepare them when either changed, or when told to `again`."""
        control, choices = self._control, self._control.choices
        status, view = self._look()
        if view is None:
            if self.key is not None or control.status.sentence != status.sentence:
                self._forget()
                control.say(status)
            return
        key = (view.key, view.orientation_known, choices.model)
        self.view = view
        if key == self.key and not again:
            return
        self._forget()
        self.view, self.key = view, key
        if choices.model is None:
            control.say(state.NO_MODEL)
            return
        control.say(state.loading(choices.model) if self._preloaded else state.PRELOADING)
        control.submit("prepare", partial(control.bench.prepare, view, choices.copy()), self._on_prepared)

    def replan(self) -> None:
        """Ask again what a run would cost, after a setting changed."""
        control = self._control
        if self.prepared is not None and self.view is not None:
            run = partial(control.bench.prepare, self.view, control.choices.copy())
            control.submit("plan", run, self._on_replanned)

    def say_ready(self) -> None:
        """Say what a run would cost."""
        if self.prepared is not None and self.view is not None:
            plan = self.prepared.plan
            size = state.Size(self.view.shape, self.view.spacing_mm)
            click_only = not self.can_segment
            self._control.say(
                state.ready(size, plan.n_windows, plan.seconds, plan.device, click_only=click_only)
            )

    def warnings(self) -> tuple[tuple[State, str], ...]:
        """Return what is doubtful about the image."""
        found: tuple[tuple[State, str], ...] = ()
        if self.view is not None:
            found += () if self.view.voxel_size_known else (state.NO_VOXEL_SIZE,)
            found += () if self.view.orientation_known else (state.NO_ORIENTATION,)
            found += (state.MIRRORED,) if self._control.board.mirrors(self.view) else ()
        if self.prepared is not None:
            found += tuple((State.READY, text) for text in self.prepared.warnings)
        return found

    def _look(self) -> tuple[Status, SourceView | None]:
        board, choices = self._control.board, self._control.choices
        wanted = [board.layer(uid) for uid in choices.volumes]
        if not wanted or wanted[0] is None:
            return state.NO_IMAGE, None
        problem = geometry.problem_of(wanted[0])
        if problem is not None:
            return state.bad_input(problem), None
        try:
            view = geometry.look_at(wanted[0], board.point, choices.world_axes)
            view = replace(view, window=choices.window)
            if choices.n_channels > 1 and tuple(view.data.shape[:-3]) == (choices.n_channels,):
                return state.NO_IMAGE, geometry.as_channels(view)
            return state.NO_IMAGE, geometry.with_channels(view, wanted[1:], board.point)
        except InputError as error:
            return state.bad_input(str(error)), None

    def _forget(self) -> None:
        self._control.drop_runs()
        self.view, self.key = None, None
        self._set_prepared(None)

    def _on_preloaded(self, devices: tuple[str, ...]) -> None:
        control = self._control
        self._preloaded = True
        control.devices_found.emit(devices)
        if control.status.state is State.PRELOADING and control.choices.model is not None:
            control.say(state.loading(control.choices.model))

    def _on_prepared(self, prepared: Prepared) -> None:
        self._set_prepared(prepared)
        self._control.planned.emit(prepared.plan)
        self._control.dial.tell_cost()
        self._warm()
        before, view = self._control.pending, self.view
        same_frame = before is not None and view is not None and before.view.frame == view.frame
        if before is not None and view is not None and before.view.uid == view.uid and same_frame:
            self._control.say(state.stale("The model" if before.view.key == view.key else "The image"))
        else:
            self.say_ready()

    def _warm(self) -> None:
        """Run the visible window unseen, so that the first answer the user waits for comes quickly."""
        control, view = self._control, self.view
        if view is not None:
            run = partial(control.bench.warm, view, control.choices.copy(), control.board.centre_index(view))
            control.submit("warm", run, self._on_warmed, silent=True)

    def _on_warmed(self, plan: Plan | None) -> None:
        if plan is not None and self.prepared is not None:
            self._on_replanned(self.prepared._replace(plan=plan))

    def _on_replanned(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self._control.planned.emit(prepared.plan)
        if self._control.status.state in (State.READY, State.LOADING):
            self.say_ready()

    def _set_prepared(self, prepared: Prepared | None) -> None:
        self.prepared = prepared
        self._control.prepared_changed.emit(prepared)
