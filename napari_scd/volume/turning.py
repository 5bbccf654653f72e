"""Turn a volume's axes into given directions, and back; nothing is resampled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_scd.volume.orientation import AXES, Undo, turn_to

if TYPE_CHECKING:
    from napari_scd.volume.volume import Volume


def reorient(volume: Volume, axes: str = AXES) -> tuple[Volume, Undo]:
    """Turn a volume's axes into given directions and return the way back.

    Axes are permuted and flipped, nothing is resampled: a scan tilted by a few degrees keeps its tilt in the
    affine and each array axis takes the nearest anatomical direction.

    Parameters
    ----------
    volume
        A volume in any axis order.
    axes
        The direction in which the index grows along each array axis, one letter out of each of the pairs S/I,
        P/A and L/R; for instance "SPL", or "RAS" for (x, y, z) arrays as nibabel gives them.

    Returns
    -------
    The turned volume (its array is a view) and the turn that takes arrays on its grid back onto ``volume``'s.

    Raises
    ------
    InputError
        When ``axes`` does not name three different axes.
    """
    turn = turn_to(axes, volume.affine)
    affine = volume.affine @ turn.matrix(volume.spatial_shape)
    array = turn(volume.array)
    undo = turn.inverse()
    source = volume.source
    if source is not None and source.holds_for(volume):
        to_disk = undo.then(source.to_disk)
        source = replace(source, affine=affine, shape=array.shape[-3:], to_disk=to_disk)
    return replace(volume, array=array, affine=affine, source=source), undo
