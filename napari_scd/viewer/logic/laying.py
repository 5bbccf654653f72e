"""A model and the volume laid on it, for the worker: both stay until another one is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.viewer.logic.failures import BadVolume, VoxelsChanged

if TYPE_CHECKING:
    from napari_scd.checkpoints import Checkpoint
    from napari_scd.engine import Session
    from napari_scd.viewer.layers import SourceView


class LaidVolume:
    """One model, its session and the volume in it; loads torch when it is first used."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._checkpoint: Checkpoint | None = None
        self._session: Session | None = None
        self._key: tuple[Any, ...] | None = None
        self._stamp = 0
        self._window: tuple[float, float] | None = None

    def load(self, model: str | None) -> Checkpoint:
        """Return a model, loaded when it is not the one that is there."""
        from napari_scd.checkpoints import load
        from napari_scd.engine import Session

        assert model is not None
        if self._checkpoint is None or model != self._model:
            self._key = self._session = None
            self._checkpoint = load(model)
            self._session = Session(*self._checkpoint)
            self._model, self._window = model, None
        return self._checkpoint

    def lay(self, view: SourceView, model: str | None) -> Session:
        """Return a session of a model with the volume in it.

        Raises
        ------
        BadVolume
            If the engine refuses the volume.
        VoxelsChanged
            If the voxels were changed in place since they were prepared.
        """
        session = self._session_for(self.load(model), view.window)
        stamp = view.fingerprint()
        if self._key == view.key and self._stamp != stamp:
            self._key = None
            raise VoxelsChanged
        if self._key != view.key:
            self._key = None
            try:
                session.set_volume(view.volume())
            except InputError as error:
                raise BadVolume(str(error)) from error
            self._key, self._stamp = view.key, stamp
        return session

    def _session_for(self, checkpoint: Checkpoint, window: tuple[float, float] | None) -> Session:
        """Return a session with the user's intensity window in place of the model's own."""
        from napari_scd.engine import Session

        if self._session is None or window != self._window:
            network, recipe, labels, provenance = checkpoint
            if window is not None:
                recipe = replace(recipe, clip=window, clip_percentiles=None)
            self._key = None
            self._session = Session(network, recipe, labels, provenance)
            self._window = window
        return self._session
