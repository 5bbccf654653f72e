"""Put a label map that covers a part of a grid back onto the whole grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.volume.volume import Volume

_TOLERANCE_VOX = 0.2  # positions rounded to a tenth of a millimetre move thin slices by as much


def paste(labels: Volume, grid: Volume) -> Volume:
    """Return a label map on another volume's grid, whose voxels it must share.

    Parameters
    ----------
    labels
        (z, y, x), such as a DICOM segmentation, which leaves out slices without structures.
    grid
        The scan, whose grid is used; its values are not.

    Returns
    -------
    (z, y, x) labels of the same type, 0 where ``labels`` does not reach; what lies outside is cut off.

    Raises
    ------
    InputError
        When the voxels of the two do not lie on each other.
    """
    offset = np.linalg.solve(grid.affine, labels.affine)
    start = np.rint(offset[:3, 3]).astype(int)
    expected = np.eye(4)
    expected[:3, 3] = start
    reach = np.array([*labels.spatial_shape, 1])
    if (np.abs(offset - expected) @ reach)[:3].max() > _TOLERANCE_VOX:
        raise InputError("The label map's voxels do not lie on the scan's; resample one onto the other.")
    whole = np.zeros(grid.spatial_shape, labels.array.dtype)
    low = np.maximum(start, 0)
    high = np.minimum(start + labels.spatial_shape, grid.spatial_shape)
    if (low < high).all():
        into = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        taken = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
        whole[into] = labels.array[taken]
    return grid.with_array(whole)
