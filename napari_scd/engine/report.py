"""What a run did, in numbers for reports."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd import __version__

if TYPE_CHECKING:
    from napari_scd.engine.cache import CacheCounts


class Seconds(NamedTuple):
    """Wall time by part: before the first stage, after it, everything else, total."""

    prefix: float
    rest: float
    other: float
    total: float


class PromptNotes(NamedTuple):
    """How prompts were answered.

    Attributes
    ----------
    prompts : dict
        As ``Prompts.to_dict`` gives them, without the voxels of a previous mask.
    n_windows : tuple of int
        Windows that each prompt took.
    spacings_mm : tuple of float
        Of the latest prompt's windows, in the order in which they were looked at.
    n_left_out : int
        Fine windows along the border that were left out, as there were too many.
    reach_mm : float or None
        Nothing farther from the latest prompt than this, along any axis of the scan, has changed; None =
        there was no answer before.
    """

    prompts: dict[str, Any]
    n_windows: tuple[int, ...]
    spacings_mm: tuple[float, ...]
    n_left_out: int
    reach_mm: float | None


@dataclass(frozen=True)
class Report:
    """Provenance of a segmentation; `to_dict` is JSON-safe.

    Attributes
    ----------
    model, sha256 : str
        Name of the model and checksum of its weights file (empty when it has none).
    source : str
        Name of the volume's file (empty when it has none).
    shape, spacing_mm, axes
        Source voxels and voxel edges in the source's axis order; model axes, such as "SPL".
    model_spacing_mm, roi, patch, stride
        Of the model grid, in model axis order; voxels.
    keep : tuple of float
        Keep ratio per stage.
    tokens : tuple of int
        Living tokens of a window: at the start and after each stage.
    n_windows, n_windows_planned : int
        Windows answered, and windows planned.
    n_windows_blank : int
        Of those answered, windows of pure background that cost nothing.
    macs : int
        Multiply-accumulates of the windows that were not blank, all parts.
    encoder_macs_saved : float
        Share of the dense encoder's MACs that pruning saved, 0-1.
    seconds : Seconds
    device, precision, blending : str
    complete : bool
    voxels, volumes_ml : dict
        By structure name, 0 included.
    cache : CacheCounts
        Of the prefix cache since the session began.
    warnings : tuple of str
    confidence : dict or None
        Mean probability of each structure's voxels, 0-1, by name, when asked for; without those not found.
    misfits : tuple of str
        Reasons to doubt that the scan is one that the model was made for, found in its answer.
    removed_ml : dict
        By structure name: what the clean-up of a whole scan removed, measured on the model grid. Structures
        that lost nothing are not listed.
    versions : dict
    prompts : PromptNotes or None
        Of a model that answers prompts.
    """

    model: str
    sha256: str
    source: str
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    axes: str
    model_spacing_mm: tuple[float, ...]
    roi: tuple[int, ...]
    patch: int
    stride: tuple[int, ...]
    keep: tuple[float, ...]
    tokens: tuple[int, ...]
    n_windows: int
    n_windows_planned: int
    n_windows_blank: int
    macs: int
    encoder_macs_saved: float
    seconds: Seconds
    device: str
    precision: str
    blending: str
    complete: bool
    voxels: dict[str, int]
    volumes_ml: dict[str, float]
    cache: CacheCounts
    warnings: tuple[str, ...]
    versions: dict[str, str]
    prompts: PromptNotes | None = None
    confidence: dict[str, float] | None = None
    misfits: tuple[str, ...] = ()
    removed_ml: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe copy: lists, numbers, strings, null for what is not finite."""
        values = asdict(self)
        values["seconds"] = self.seconds._asdict()
        values["cache"] = self.cache._asdict()
        if self.prompts is None:
            del values["prompts"]
        else:
            values["prompts"] = self.prompts._asdict()
        plain: dict[str, Any] = _plain(values)
        return plain


def software_versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    return {"napari-scd": __version__, **{name: _version_of(name) for name in ("torch", "monai", "numpy")}}


@cache
def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
