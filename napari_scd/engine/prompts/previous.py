"""The mask that prompts start from, stored as the box around it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine.prompts.errors import EmptyPrevious
from napari_scd.errors import InputError
from napari_scd.volume import Volume, reorient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine.windows import Size3

_MOST_VOXELS = 2**33


@dataclass(frozen=True, eq=False)
class PreviousMask:
    """A mask on a scan's grid; equal if grid and voxels are.

    Parameters
    ----------
    inside : bool ``(z, y, x)``
        The voxels of the box around it, in the source's axis order.
    low : (z, y, x) int
        First voxel of the box.
    shape : (z, y, x) int
        Voxels of the whole grid.
    affine : ``(4, 4)``
        Of the grid: voxel index -> (S, P, L) mm.
    """

    inside: NDArray[np.bool_]
    low: Size3
    shape: Size3
    affine: NDArray[np.float64]
    _mark: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compute a digest for comparisons and cache keys."""
        grid = np.asarray([*self.low, *self.shape, *self.inside.shape], np.int64).tobytes()
        content = grid + np.round(self.affine, 6).tobytes() + np.packbits(self.inside).tobytes()
        object.__setattr__(self, "_mark", hashlib.sha256(content).digest())

    @classmethod
    def of(cls, labels: Volume, label: int | None = None) -> PreviousMask:
        """Take one label of a label map, or everything that is not 0.

        Raises
        ------
        EmptyPrevious
            If no voxel has that label.
        """
        array = labels.array if labels.array.ndim == 3 else labels.array[0]
        mask = np.asarray(array) != 0 if label is None else np.asarray(array) == label
        lines = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
        if not len(lines[0]):
            raise EmptyPrevious(label)
        z, y, x = (slice(int(line[0]), int(line[-1]) + 1) for line in lines)
        inside = np.ascontiguousarray(mask[z, y, x])
        return cls(inside, (z.start, y.start, x.start), labels.spatial_shape, np.asarray(labels.affine))

    @property
    def box(self) -> Volume:
        """Only the box, as a volume at its place."""
        affine = np.array(self.affine)
        affine[:3, 3] = (affine @ [*self.low, 1.0])[:3]
        return Volume(self.inside, affine)

    def fits(self, volume: Volume) -> bool:
        """Whether it lies on the grid of a volume, regardless of the order and direction of the axes."""
        grid = Volume(np.broadcast_to(np.zeros((), bool), self.shape), self.affine)
        return reorient(grid)[0].same_grid(reorient(volume)[0])

    @property
    def n_voxels(self) -> int:
        """Voxels inside."""
        return int(np.count_nonzero(self.inside))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy; the voxels are stored as text: packed bits, compressed."""
        packed = zlib.compress(np.packbits(self.inside).tobytes())
        return {
            "shape": list(self.shape),
            "affine": np.asarray(self.affine).tolist(),
            "low": list(self.low),
            "size": list(self.inside.shape),
            "bits": base64.b64encode(packed).decode("ascii"),
        }

    @classmethod
    def from_dict(cls, values: Any) -> PreviousMask:
        """Read a `to_dict` copy; anything wrong with it raises `InputError`."""
        try:
            shape, low, size = (_size3(values[key]) for key in ("shape", "low", "size"))
            ends = [at + n for at, n in zip(low, size, strict=True)]
            if min(low) < 0 or min(size) < 1 or any(a > b for a, b in zip(ends, shape, strict=True)):
                raise ValueError("the box lies outside its grid")
            n_voxels = math.prod(size)
            if math.prod(shape) > _MOST_VOXELS:
                raise ValueError("the grid is too large")
            unpacker = zlib.decompressobj()
            bits = unpacker.decompress(base64.b64decode(values["bits"], validate=True), (n_voxels + 7) // 8)
            inside = np.unpackbits(np.frombuffer(bits, np.uint8), count=n_voxels).reshape(size).astype(bool)
            grid = Volume(np.broadcast_to(np.zeros((), bool), shape), np.asarray(values["affine"], float))
        except (KeyError, TypeError, ValueError, zlib.error, binascii.Error) as error:
            raise InputError(
                f"The previous mask cannot be read ({error}): export the prompts again."
            ) from error
        if not inside.any():
            raise EmptyPrevious(None)
        return cls(inside, low, shape, np.asarray(grid.affine))

    def __eq__(self, other: object) -> bool:
        """Compare grid and voxels."""
        return isinstance(other, PreviousMask) and self._mark == other._mark

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._mark)


def _size3(values: Any) -> Size3:
    z, y, x = values
    if any(isinstance(n, bool) or not isinstance(n, int) for n in (z, y, x)):
        raise ValueError("sizes are whole numbers")
    return z, y, x
