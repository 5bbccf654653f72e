"""Click both hippocampi of brains with labels: Dice of each side, and found volume / labelled volume.

Run ``python docs/figures/hippocampus.py SCANS LABELS LEFT RIGHT [MODEL]``. SCANS and LABELS are folders of
files with the same names, LEFT and RIGHT the label values of the hippocampi. Clicks lie deepest in each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from brain import dice
from scipy.ndimage import distance_transform_edt

from napari_scd import Request, Session, load, read_volume
from napari_scd.volume import read_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main(scans: str, labels: str, left: str, right: str, model: str = "hippocampus-mr") -> None:
    """Print one line for each scan, and their mean."""
    session = Session(*load(model), cache_bytes=0)
    rows = []
    print("scan | left | right | volume left | volume right")
    for scan in sorted(Path(scans).glob("*.nii.gz")):
        session.set_volume(read_volume(scan))
        truth = read_labels(Path(labels) / scan.name).array
        rows.append(np.array([clicked(session, truth == int(side)) for side in (left, right)]).T.ravel())
        print(f"{scan.name.removesuffix('.nii.gz')} | {_line(rows[-1])}", flush=True)
    print(f"mean | {_line(np.mean(rows, axis=0))}")


def clicked(session: Session, wanted: NDArray[np.bool_]) -> tuple[float, float]:
    """Dice and volume ratio of what a click on the deepest voxel of a structure finds."""
    deepest = np.unravel_index(distance_transform_edt(wanted).argmax(), wanted.shape)
    click = session.click(deepest, Request(keep=0.5, precision="float32"))
    found = click.segmentation.labels.array > 0
    return dice(found, wanted), float(found.sum() / wanted.sum())


def _line(values: NDArray[np.float64]) -> str:
    return " | ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main(*sys.argv[1:])
