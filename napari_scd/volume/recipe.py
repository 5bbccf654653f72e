"""The recipe: how a scan must be prepared for a network, and how the network's answer is read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from napari_scd.errors import InputError
from napari_scd.volume.orientation import checked_axes

_CHOICES: dict[str, tuple[str, ...]] = {
    "modality": ("CT", "MR", "any"),
    "normalisation": ("range", "zscore", "zscore-nonzero", "zscore-foreground", "none"),
    "normalise_over": ("volume", "window"),
    "field": ("whole", "click", "prompt"),
    "look_at": ("all", "body"),
    "activation": ("softmax", "sigmoid"),
}

_FINEST, _COARSEST = 1e-4, 1e4
_MOST = {"overlap": 0.9, "part_gap_mm": _COARSEST, "part_share": 1.0, "usual_confidence": 1.0}
_LARGEST = 1e9  # beyond this, single precision cannot represent differences


@dataclass(frozen=True)
class Recipe:
    """What a checkpoint expects of its input, and what its output means.

    Parameters
    ----------
    modality
        "CT", "MR" or "any".
    axes
        The directions of the model's array axes, as in :func:`napari_scd.volume.reorient`.
    spacing_mm
        The voxel size the model works at, in the order of ``axes``; None takes the scan's own.
    clip
        Lowest and highest intensity kept, in the scan's own numbers (Hounsfield units for CT).
    clip_percentiles
        Lowest and highest intensity kept, as percentiles 0-100 of each channel.
    normalisation
        "range" maps what the clip keeps onto -1..1; "zscore" gives each channel mean 0 and standard deviation
        1; "zscore-nonzero" does so over the non-zero voxels and leaves zeros alone; "zscore-foreground" takes
        mean and deviation from the voxels above the minimum (so that air and padding do not count) and
        transforms all; "none" changes nothing.
    normalise_over
        "volume" takes the statistics of the whole scan, "window" of each window alone.
    field
        "whole" segments whole scans; "click" finds the one structure the user points at; "prompt" finds
        whatever include and exclude prompts say, and has three input channels more than ``channels`` names:
        the previous mask, include and exclude prompts.
    look_at
        "all" lays windows over the whole scan; "body" over the box around what is brighter than air, where
        that takes fewer windows, and calls everything else background. With ``field`` "whole" only.
    overlap
        Share of a window that neighbouring windows have in common at least, 0 to 0.9.
    channels
        The names of the input channels, in order.
    activation
        "softmax" for labels that exclude each other (channel 0 is background), "sigmoid" for overlapping
        ones.
    precedence
        With "sigmoid": label ids, the first of which wins where several hold.
    logit_offsets
        Added to the network's outputs, one number each, before labels are taken: what a calibration on
        validation cases found. Empty adds nothing.
    single_labels
        Ids of structures that are in one piece. In whole scans, parts of them are removed that lie apart from
        the largest and are much smaller. With "softmax" only.
    part_gap_mm
        Parts of a structure that are nearer than this to each other count as one.
    part_share
        A part stays if it has at least this share of the largest part's voxels, 0 to 1.
    usual_confidence
        Scans that the model was made for have at least this mean of its structures' mean probabilities, 0 to
        1; below it, a scan is doubted. 0 doubts nothing.
    usual_ml
        Smallest and largest volume that each label has in such scans, one pair a label id from 1 on; what
        lies outside is doubted. Empty doubts nothing.

    Raises
    ------
    InputError
        When a value is none of the above; the message names the key.
    """

    modality: str
    axes: str = "SPL"
    spacing_mm: tuple[float, float, float] | None = None
    clip: tuple[float, float] | None = None
    clip_percentiles: tuple[float, float] | None = None
    normalisation: str = "zscore"
    normalise_over: str = "volume"
    field: str = "whole"
    look_at: str = "all"
    overlap: float = 0.5
    channels: tuple[str, ...] = ("image",)
    activation: str = "softmax"
    precedence: tuple[int, ...] = ()
    logit_offsets: tuple[float, ...] = ()
    single_labels: tuple[int, ...] = ()
    part_gap_mm: float = 10.0
    part_share: float = 0.3
    usual_confidence: float = 0.0
    usual_ml: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Check every value and turn lists into tuples."""
        for key, choices in _CHOICES.items():
            if getattr(self, key) not in choices:
                raise _bad(key, getattr(self, key), "one of " + ", ".join(repr(choice) for choice in choices))
        if not isinstance(self.axes, str):
            raise _bad("axes", self.axes, 'three letters such as "SPL"')
        object.__setattr__(self, "axes", checked_axes(self.axes))
        self._set_numbers("spacing_mm", 3)
        self._set_numbers("clip", 2)
        self._set_numbers("clip_percentiles", 2)
        if self.spacing_mm is not None and not all(_FINEST <= mm <= _COARSEST for mm in self.spacing_mm):
            raise _bad("spacing_mm", self.spacing_mm, "three numbers above zero, in mm")
        for key in ("clip", "clip_percentiles"):
            limits = getattr(self, key)
            if limits is not None and not limits[0] < limits[1]:
                raise _bad(key, limits, "the lower limit first and a higher one after it")
        if self.clip_percentiles is not None and not (
            self.clip_percentiles[0] >= 0 and self.clip_percentiles[1] <= 100
        ):
            raise _bad("clip_percentiles", self.clip_percentiles, "two percentiles between 0 and 100")
        self._set_tuple("channels", str, "at least one channel name")
        self._set_tuple("precedence", int, "label ids (whole numbers)")
        self._set_numbers("logit_offsets", None)
        self._set_tuple("single_labels", int, "label ids (whole numbers)")
        if self.single_labels and self.activation != "softmax":
            raise _bad("single_labels", self.single_labels, "none with 'sigmoid'")
        for key, most in _MOST.items():
            self._set_number(key, most)
        self._set_pairs("usual_ml")
        if self.look_at != "all" and self.field != "whole":
            raise _bad("look_at", self.look_at, f"'all' with the field '{self.field}'")
        if not self.channels:
            raise _bad("channels", self.channels, "at least one channel name")

    @property
    def cuts_windows_freely(self) -> bool:
        """Whether windows of any place and spacing can be cut from a scan as it is, as prompts need."""
        alone = len(self.channels) == 1 and self.spacing_mm is None
        return alone and self.normalise_over == "window" and self.activation == "sigmoid"

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values that JSON can hold."""
        values = dataclasses.asdict(self)
        return {key: _listed(value) for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Make a recipe from what :meth:`to_dict` returned.

        Raises
        ------
        InputError
            When a key is unknown or missing, or a value is not valid; the message names the key.
        """
        if not isinstance(values, dict):
            raise InputError(
                f"The recipe is of type {type(values).__name__}; give a mapping with the key 'modality'."
            )
        known = {item.name for item in dataclasses.fields(cls)}
        unknown = sorted(str(key) for key in set(values) - known)
        if unknown:
            raise InputError(
                f"The recipe has the unknown key {unknown[0]!r}; known keys are {', '.join(sorted(known))}."
            )
        if "modality" not in values:
            raise InputError("The recipe lacks the key 'modality'; give 'CT' or 'MR'.")
        return cls(**values)

    def _set_number(self, key: str, most: float) -> None:
        value = getattr(self, key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise _bad(key, value, f"a number from 0 to {most:g}")
        object.__setattr__(self, key, float(value))

    def _set_numbers(self, key: str, n: int | None) -> None:
        values = getattr(self, key)
        if values is None and n is not None:
            return
        needed = f"{n} numbers" if n is not None else "a list of numbers"
        try:
            numbers = tuple(float(value) for value in values)
        except (TypeError, ValueError, OverflowError):
            raise _bad(key, values, needed) from None
        if n not in (None, len(numbers)) or not all(abs(number) <= _LARGEST for number in numbers):
            raise _bad(key, values, needed)
        object.__setattr__(self, key, numbers)

    def _set_pairs(self, key: str) -> None:
        values = getattr(self, key)
        try:
            pairs = tuple((float(low), float(high)) for low, high in values)
        except (TypeError, ValueError, OverflowError):
            raise _bad(key, values, "pairs of numbers") from None
        if not all(0 <= low < high <= _LARGEST for low, high in pairs):
            raise _bad(key, values, "pairs of numbers, the lower one first")
        object.__setattr__(self, key, pairs)

    def _set_tuple(self, key: str, kind: type, needed: str) -> None:
        values = getattr(self, key)
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            raise _bad(key, values, needed)
        if any(not isinstance(value, kind) or isinstance(value, bool) for value in values):
            raise _bad(key, values, needed)
        object.__setattr__(self, key, tuple(values))


def _listed(value: Any) -> Any:
    """Tuples as lists, within each other too."""
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _bad(key: str, value: object, needed: str) -> InputError:
    return InputError(f"The recipe's {key!r} is {value!r}; give {needed}.")
