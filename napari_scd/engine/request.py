"""What the caller asks for, and how a run reports its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError
from napari_scd.model import KEEP_RANGE as KEEP_RANGE
from napari_scd.model import check_keep

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.model import Keep

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
BLENDINGS = ("gaussian", "constant")
SHARPENINGS = ("borders", "everywhere", "never")


@dataclass(frozen=True)
class Request:
    """How to segment; frozen and hashable.

    Parameters
    ----------
    keep : float, tuple of float or None
        Share of the living tokens each stage keeps, in [0.05, 1]: one for all stages or one per stage;
        None = the model's own.
    stride : int or None
        Largest step between windows in voxels, a multiple of the model's patch; None = by the recipe's
        overlap.
    device : str
        "auto" (cuda, else mps, else cpu), "cpu", "cuda" or "mps".
    precision : str
        "auto" (half precision where the device has it natively), "float32" or "bfloat16".
    blending : str
        Weight of overlapping windows: "gaussian" (centre counts most) or "constant".
    batch : int or None
        Windows at once; None = by device.
    structures : tuple of int
        Label ids to keep; empty = all.
    probability : bool
        Also return class probabilities (large).
    masks : bool
        Also return a mask of every label; those of a sigmoid model may overlap.
    confidence : bool
        Also say how sure the model is of each voxel and structure, and whether the scan fits it.
    clean_up : bool
        In whole scans, remove stray parts of structures that the model's recipe calls single.
    air : bool
        Look at the whole scan, also where the model's recipe looks at the body alone.
    sharpen : str
        For networks that answer coarsely first: "borders" = voxels are decided one by one only where labels
        meet, and elsewhere by blocks of 2 x 2 x 2, except at keep 1; "everywhere" = all of them; "never" =
        only blocks.
    compile : bool
        Run the network through `torch.compile`, on CUDA devices as CUDA graphs: a minute or more at its first
        use and for every new keep ratio, so for many scans on a GPU. On the CPU, our own kernels are faster
        without it.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    keep: Keep = None
    stride: int | None = None
    device: str = "auto"
    precision: str = "auto"
    blending: str = "gaussian"
    batch: int | None = None
    structures: tuple[int, ...] = ()
    probability: bool = False
    masks: bool = False
    confidence: bool = False
    clean_up: bool = True
    air: bool = False
    sharpen: str = "borders"
    compile: bool = False

    def __post_init__(self) -> None:
        """Reject values outside their range."""
        check_keep(self.keep)
        _check_choice("device", self.device, DEVICES)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_choice("blending", self.blending, BLENDINGS)
        _check_choice("sharpen", self.sharpen, SHARPENINGS)
        _check_positive("stride", self.stride, "voxels")
        _check_positive("batch", self.batch, "windows")


class Progress(NamedTuple):
    """How far a run has got.

    Attributes
    ----------
    done, total : int
        Windows.
    seconds_left : float or None
        None while unknown.
    message : str
        The same as a sentence.
    known : int
        How many of those done were remembered from an earlier run.
    """

    done: int
    total: int
    seconds_left: float | None
    message: str
    known: int = 0

    @classmethod
    def of(cls, done: int, total: int, elapsed_s: float, known: int = 0) -> Progress:
        """Progress after `done` windows took `elapsed_s` seconds."""
        return cls.at(done, total, elapsed_s / done * (total - done) if done else None, known)

    @classmethod
    def at(cls, done: int, total: int, seconds_left: float | None, known: int = 0) -> Progress:
        """Progress after `done` windows, when so many seconds are left."""
        ending = "" if seconds_left is None else f", {max(seconds_left, 0):.0f} s left"
        return cls(done, total, seconds_left, f"window {done} of {total}{ending}", known)


if TYPE_CHECKING:
    ProgressCallback = Callable[[Progress], None]


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"Unknown {name} {value!r}: choose one of {', '.join(allowed)}.")


def _check_positive(name: str, value: int | None, unit: str) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InputError(f"The {name} must be a whole number of {unit}, at least 1, not {value!r}.")
