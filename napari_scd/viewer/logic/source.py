"""Getting ready: which image and which model, and loading both in the background."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.viewer import layers
from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.jobs import ASKED
from napari_scd.viewer.logic.keep_estimate import cost_of
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.backend import ReadyModel
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.show_result import ResultLayers


class ImageSource:
    """Follows the chosen image and model."""

    def __init__(self, state: DockState, layers: ResultLayers) -> None:
        self._state = state
        self._layers = layers
        self._preloaded = False
        self._then: Callable[[], None] | None = None
        self._versions: Counter[Hashable] = Counter()

    def preload(self) -> None:
        """Import torch and load the chosen model in the background."""
        state = self._state
        state.submit("preload", state.backend.preload, self._on_preloaded, lasting=True)
        self.refresh(again=True)
        if state.view is None and state.choices.model is not None:
            run = partial(state.backend.prepare, None, state.choices.copy())
            state.submit("warm", run, lambda _: None, silent=True)

    def refresh(self, *, again: bool = False) -> None:
        """Look at the chosen image and model; prepare them when either changed, or when told to `again`."""
        state, choices = self._state, self._state.choices
        status, view = self._look()
        if view is None:
            if state.key is not None or state.status.sentence != status.sentence:
                self._forget()
                state.say(status)
                self._layers.show_place()
            return
        before, key, place = state.view, state.key_of(view), state.place
        state.view = view
        if key == state.key and not again:
            return
        if state.jobs.running == "frames" and self._is_other_frame(before, view):
            state.key = key
            self._layers.show_place()
            return
        self._forget()
        state.view, state.key = view, key
        if before is not None and before.uid == view.uid and before.layer_shape != view.layer_shape:
            self._layers.drop_image(view.uid)
        if state.place != place:
            self._layers.show_place()
        if before is not None and before.uid != view.uid:
            self._layers.go_to_image()
        if choices.model is None:
            state.say(sentences.NO_MODEL)
            return
        state.say(sentences.loading(choices.model) if self._preloaded else sentences.PRELOADING)
        state.submit("prepare", partial(state.backend.prepare, view, choices.copy()), self._on_ready)

    def take_again(self, then: Callable[[], None] | None = None) -> None:
        """Read the voxels of the chosen image again, because they were changed in place; then continue."""
        if self._state.view is not None:
            self._versions[self._state.view.uid] += 1
        self.refresh()
        self._then = then

    def replan(self) -> None:
        """Ask again what a run would cost, after a setting changed."""
        state = self._state
        if state.ready is not None and state.view is not None:
            run = partial(state.backend.prepare, state.view, state.choices.copy())
            state.submit("plan", run, self._on_replanned)

    def _is_other_frame(self, before: SourceView | None, now: SourceView) -> bool:
        """Whether two views differ in their frame only: a run over all frames then goes on."""
        state = self._state
        if before is None or state.ready is None or state.key is None:
            return False
        same_model = state.key[-1] == state.choices.model
        return same_model and before.at_frame(0).key == now.at_frame(0).key

    def _look(self) -> tuple[Status, SourceView | None]:
        store, choices = self._state.store, self._state.choices
        wanted = [store.layer(uid) for uid in choices.volumes]
        if not wanted or wanted[0] is None:
            return sentences.NO_IMAGE, None
        problem = layers.problem_of(wanted[0])
        if problem is not None:
            return sentences.bad_input(problem), None
        try:
            view = layers.look_at(wanted[0], store.screen.point, choices.world_axes)
            view = replace(view, window=choices.window, version=self._versions[view.uid])
            if choices.n_channels > 1 and layers.frame_lengths(view.data) == (choices.n_channels,):
                return sentences.NO_IMAGE, layers.as_channels(view)
            return sentences.NO_IMAGE, layers.with_channels(view, wanted[1:], store.screen.point)
        except InputError as error:
            return sentences.bad_input(str(error)), None

    def _forget(self) -> None:
        self._then = None
        self._state.drop_runs()
        self._state.view, self._state.key = None, None
        self._set_ready(None)

    def _on_preloaded(self, devices: tuple[str, ...]) -> None:
        state = self._state
        self._preloaded = True
        state.devices_found.emit(devices)
        if state.status.state is State.PRELOADING and state.choices.model is not None:
            state.say(sentences.loading(state.choices.model))

    def _on_ready(self, ready: ReadyModel) -> None:
        state = self._state
        self._set_ready(ready)
        state.planned.emit(ready.plan)
        state.cost_changed.emit(cost_of(ready.checkpoint.network, state.choices.keep_request))
        self._warm()
        asked = state.status.state is State.RUNNING and any(kind in ASKED for kind in state.jobs.waiting)
        if not asked:  # else the status goes on to speak of what was asked for while the model was loading
            state.say_current()
        then, self._then = self._then, None
        if then is not None:
            then()

    def _warm(self) -> None:
        """Run the visible window in the background, so that the first answer arrives quickly."""
        state = self._state
        self._run_ahead(state.backend.warm, self._on_warmed)
        if state.choices.promptable not in (None, state.choices.model):
            self._run_ahead(state.backend.warm_pointed, lambda _: None)

    def _run_ahead(self, run: Callable[..., Any], done: Callable[[Any], None]) -> None:
        state, view = self._state, self._state.view
        if view is not None:
            job = partial(run, view, state.choices.copy(), state.store.screen.centre_index(view))
            state.submit("warm", job, done, replace=False, silent=True)

    def _on_warmed(self, ready: ReadyModel | None) -> None:
        if ready is not None:
            self._on_replanned(ready)

    def _on_replanned(self, ready: ReadyModel) -> None:
        state = self._state
        state.ready = ready
        state.planned.emit(ready.plan)
        if state.status.state in (State.READY, State.LOADING):
            state.say_ready()

    def _set_ready(self, ready: ReadyModel | None) -> None:
        self._state.ready = ready
        self._state.ready_changed.emit(ready)
