"""Thins out the slider's moves: an estimate now and then, an answer when it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from superqt.utils import qdebounced, qthrottled

if TYPE_CHECKING:
    from napari_scd.viewer.logic import KeepAnswers

ESTIMATE_MS, SETTLE_MS = 50, 200


class KeepMoves:
    """Passes a keep ratio on at the pace at which it can be answered.

    Parameters
    ----------
    slider
        Hears each keep ratio that is passed on, and when the slider rests.
    """

    def __init__(self, slider: KeepAnswers) -> None:
        self._slider = slider
        self._estimate = qthrottled(self._on_estimate, timeout=ESTIMATE_MS)
        self._settle = qdebounced(self._on_settle, timeout=SETTLE_MS)

    def move(self, keep: float | tuple[float, ...]) -> None:
        """Take a keep ratio, or one for each stage."""
        self._estimate(keep)
        self._settle()

    def cancel(self) -> None:
        """Drop what was not passed on yet."""
        self._estimate.cancel()
        self._settle.cancel()

    def _on_estimate(self, keep: float | tuple[float, ...]) -> None:
        if isinstance(keep, tuple):
            self._slider.set_keep(None, keep)
        else:
            self._slider.set_keep(keep)

    def _on_settle(self) -> None:
        self._slider.settle()
