"""What can be wrong with prompts: one class of error for each, with its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.engine.windows import Size3


class PromptError(InputError):
    """Prompts that cannot be answered."""


class TakesNoPrompts(PromptError):
    """The model was not trained to answer prompts.

    Attributes
    ----------
    model : str
    """

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model} does not take prompts: choose a promptable model.")


class NoPrompts(PromptError):
    """There are no prompts."""

    def __init__(self) -> None:
        super().__init__("There are no prompts: point at the structure you want.")


class PointOutside(PromptError):
    """A point lies outside the scan.

    Attributes
    ----------
    voxel : (z, y, x) int
        Of the source array.
    shape : (z, y, x) int
    """

    def __init__(self, voxel: Size3, shape: Size3) -> None:
        self.voxel, self.shape = voxel, shape
        super().__init__(
            f"The point at voxel {voxel} lies outside the scan of {_times(shape)} voxels: choose one inside."
        )


class BoxOutside(PromptError):
    """A box lies outside the scan.

    Attributes
    ----------
    low, high : (z, y, x) int
        First and last voxel of the box.
    shape : (z, y, x) int
    """

    def __init__(self, low: Size3, high: Size3, shape: Size3) -> None:
        self.low, self.high, self.shape = low, high, shape
        super().__init__(
            f"The box from voxel {low} to {high} lies outside the scan of {_times(shape)} voxels: "
            "draw it around the structure."
        )


class FlatBox(PromptError):
    """A box has no volume.

    Attributes
    ----------
    axis : int
        Of the source array, along which both corners lie in the same place.
    """

    def __init__(self, axis: int) -> None:
        self.axis = axis
        super().__init__(f"The box has no volume (it is flat along axis {axis}): give two opposite corners.")


class EmptyStroke(PromptError):
    """A stroke without voxels."""

    def __init__(self) -> None:
        super().__init__("The stroke is empty: draw over at least one voxel.")


class Contradiction(PromptError):
    """A voxel is both included and excluded.

    Attributes
    ----------
    voxel : (z, y, x) int
    """

    def __init__(self, voxel: Size3) -> None:
        self.voxel = voxel
        super().__init__(f"Voxel {voxel} is both included and excluded: remove one of the two.")


class OnlyExcluded(PromptError):
    """Something is excluded, but there is nothing to exclude it from."""

    def __init__(self) -> None:
        super().__init__(
            "There are only exclude prompts, and nothing to exclude them from: point at the structure first."
        )


class OtherGrid(PromptError):
    """The previous mask lies on another grid than the scan.

    Attributes
    ----------
    mask_shape, scan_shape : (z, y, x) int
    """

    def __init__(self, mask_shape: Size3, scan_shape: Size3) -> None:
        self.mask_shape, self.scan_shape = mask_shape, scan_shape
        which = f"{_times(mask_shape)} voxels, the scan has {_times(scan_shape)}"
        same = "as many voxels as the scan, in other places"
        super().__init__(
            f"The previous mask lies on another grid (it has {same if mask_shape == scan_shape else which}): "
            "give one made on this scan."
        )


class OtherScan(PromptError):
    """Prompts that were given on another scan.

    Attributes
    ----------
    theirs, ours : (z, y, x) int
        Voxels of the scan they belong to, and of this one.
    """

    def __init__(self, theirs: Size3, ours: Size3) -> None:
        self.theirs, self.ours = theirs, ours
        which = f"of {_times(theirs)} voxels; this one has {_times(ours)}"
        same = "with as many voxels as this one, in other places"
        super().__init__(
            f"The prompts belong to another scan ({same if theirs == ours else which}): open the scan they "
            "were given on."
        )


class EmptyPrevious(PromptError):
    """The previous mask holds no voxel.

    Attributes
    ----------
    label : int or None
        The label that was wanted; None = any.
    """

    def __init__(self, label: int | None) -> None:
        self.label = label
        what = "is empty" if label is None else f"holds no voxel of label {label}"
        super().__init__(f"The previous mask {what}: choose a label that is there.")


class OneValue(PromptError):
    """All voxels of the image have the same value.

    Attributes
    ----------
    value : float
    """

    def __init__(self, value: float) -> None:
        self.value = value
        super().__init__(f"Every voxel of the image is {value:g}, so there is nothing to tell apart.")


class OnePlane(PromptError):
    """The image is a single plane.

    Attributes
    ----------
    shape : (z, y, x) int
    """

    def __init__(self, shape: Size3) -> None:
        self.shape = shape
        super().__init__(f"The image is a single plane ({_times(shape)} voxels): open a 3D scan.")


def _times(shape: Size3) -> str:
    return " x ".join(str(n) for n in shape)
