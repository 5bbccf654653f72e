"""Redraw the borders of Neuromorphometrics' labels as FreeSurfer would: the training labels of ``brain-mr``.

Run ``python docs/figures/protocols.py IMAGES LABELS OUT`` for OASIS T1 scans with the label ids of the model.
From one voxel inside to two voxels outside of each structure in `DIFFERENT` (one voxel around white matter of
the cerebellum), labels become those that ``brain-mr-free`` finds, as it learned from FreeSurfer's. All other
voxels keep their labels: in the middle of a structure, people beat the model. Give it training scans only;
those for validation keep the labels they have.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from napari_scd import Request, Session, load, read_volume
from napari_scd.volume import Volume, read_labels, write_labels

DIFFERENT = ("cerebellum white matter", "caudate", "putamen", "pallidum", "hippocampus", "amygdala",
             "accumbens area")  # fmt: skip
THIN = ("inferior lateral ventricle",)  # which the model draws far too wide
REACH = {"cerebellum white matter": 1}
IGNORED = 255


def main(images: str, labels: str, out: str) -> None:
    """Write one label map for each of `labels`."""
    session = Session(*load("brain-mr-free"))
    Path(out).mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(labels).glob("*.nii.gz")):
        drawn = read_labels(path)
        session.set_volume(read_volume(Path(images) / path.name))
        found = session.segment(Request(keep=0.5, precision="bfloat16")).labels.array
        write_labels(Path(out) / path.name, Volume(redrawn(drawn.array, found, session), drawn.affine))


def redrawn(drawn: np.ndarray, found: np.ndarray, session: Session) -> np.ndarray:
    """Return the labels with those borders from what was found."""
    band = np.zeros(drawn.shape, bool)
    for label in session.labels.labels:
        name = label.name.removeprefix("left ").removeprefix("right ")
        if name in DIFFERENT:
            here = drawn == label.index
            band |= binary_dilation(here, iterations=REACH.get(name, 2)) & ~binary_erosion(here)
    thin = [label.index for label in session.labels.labels if label.name.endswith(THIN)]
    band &= (drawn != IGNORED) & ~np.isin(drawn, thin) & ~np.isin(found, thin)
    return np.where(band, found, drawn).astype(np.uint8)


if __name__ == "__main__":
    main(*sys.argv[1:])
