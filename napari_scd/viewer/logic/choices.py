"""What the user chose in the dock, and how it becomes a request that runs; no napari, Qt or torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_scd.engine import Request

SHOW_MODES = ("off", "dim", "exit", "score")
SHOW_TITLES = {"dim": "Dim pruned", "exit": "Exit stage", "score": "Score", "off": "Off"}


@dataclass
class Choices:
    """What the user set in the dock; mutable. What runs is a frozen `Request`, made by `resolve`.

    Parameters
    ----------
    volumes
        `unique_id` of the image layer of every input channel.
    n_channels
        How many the model takes.
    model
        Name or file of the model, None while there is none.
    promptable
        Name or file of the promptable model that answers prompts: the chosen one where it is promptable.
    keep
        Share of the tokens each stage keeps, in [0.05, 1]; None = the model's own.
    keep_per_stage
        One share per stage, when the stages are set apart; wins over `keep`.
    device, precision, stride, blending, batch
        As in the engine's `Request`.
    world_axes
        Where the viewer's (z, y, x) axes point, such as "SPL"; None = what the image's reader said.
    window
        Lowest and highest intensity the network sees; None = the model's own limits.
    show, stage
        Token view (one of `SHOW_MODES`) and the stage it stops at (0 = all).
    live, protect, autosave, maps
        Live preview while the slider moves; accepted labels stay; save after every accept; export token and
        score maps too.
    all_frames
        Segment and export every frame of a scan with several, instead of the one on screen.
    confidence
        Show how sure the model is of each voxel.
    output
        `unique_id` of the Labels layer that accepts results, None = a new one.
    """

    volumes: tuple[Hashable, ...] = ()
    n_channels: int = 1
    model: str | None = None
    promptable: str | None = None
    keep: float | None = None
    keep_per_stage: tuple[float, ...] | None = None
    device: str = "auto"
    precision: str = "auto"
    stride: int | None = None
    blending: str = "gaussian"
    batch: int | None = None
    world_axes: str | None = None
    window: tuple[float, float] | None = None
    show: str = "off"
    stage: int = 0
    live: bool = True
    protect: bool = True
    autosave: bool = False
    maps: bool = True
    all_frames: bool = False
    confidence: bool = False
    output: Hashable | None = None

    def copy(self) -> Choices:
        """Return a snapshot that later clicks do not change."""
        return replace(self)

    @property
    def keep_request(self) -> float | tuple[float, ...] | None:
        """The keep ratio as the engine takes it."""
        return self.keep_per_stage if self.keep_per_stage is not None else self.keep


def resolve(choices: Choices, **overrides: object) -> Request:
    """Freeze the choices into what the engine runs; `overrides` replace single fields.

    Loads the engine, and with it torch: call it where the work runs.
    """
    from napari_scd.engine import Request

    fields: dict[str, object] = {
        "keep": choices.keep_request,
        "stride": choices.stride,
        "device": choices.device,
        "precision": choices.precision,
        "blending": choices.blending,
        "batch": choices.batch,
        "confidence": True,
    }
    return Request(**(fields | overrides))  # type: ignore[arg-type]
