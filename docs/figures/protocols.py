"""Redraw the borders of Neuromorphometrics' labels as FreeSurfer would: the training labels of ``brain-mr``.

Run ``python docs/figures/protocols.py IMAGES LABELS OUT`` for OASIS T1 scans with the label ids of the model.
Around each structure in `REACH`, labels become those that ``brain-mr-free`` finds, as it learned from
FreeSurfer's. In the middle of a structure, people beat the model: there the labels stay. Cortex that is
a third of the way to the brightness of fluid, or darker, becomes background: FreeSurfer's cortex ends where
grey matter does. Give it training scans only; those for validation keep the labels they have.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from napari_scd import Request, Session, load, read_volume
from napari_scd.volume import Volume, read_labels, write_labels

REACH = {  # voxels inside and outside of the border that are drawn anew
    "cerebellum white matter": (1, 1),
    "caudate": (1, 2),
    "putamen": (1, 3),
    "pallidum": (1, 2),
    "hippocampus": (1, 2),
    "amygdala": (1, 3),
    "accumbens area": (1, 2),
    "ventral DC": (1, 2),
    "4th ventricle": (3, 2),
}
THIN = ("inferior lateral ventricle",)  # which the model draws far too wide
IGNORED = 255
GREY = 0.65  # how bright cortex must be, on a scale from fluid (0) to grey matter (1)


def main(images: str, labels: str, out: str) -> None:
    """Write one label map for each of `labels`."""
    session = Session(*load("brain-mr-free"))
    Path(out).mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(labels).glob("*.nii.gz")):
        drawn = read_labels(path)
        scan = read_volume(Path(images) / path.name)
        session.set_volume(scan)
        found = session.segment(Request(keep=0.5, precision="bfloat16")).labels.array
        redrawn = with_borders(drawn.array, found, session)
        redrawn[dark_cortex(np.asarray(scan.array, np.float32), redrawn, session)] = 0
        write_labels(Path(out) / path.name, Volume(redrawn, drawn.affine))


def with_borders(drawn: np.ndarray, found: np.ndarray, session: Session) -> np.ndarray:
    """Return the labels with the borders in `REACH` from what was found."""
    band = np.zeros(drawn.shape, bool)
    for name, (inside, outside) in REACH.items():
        for index in _indices(session, name):
            here = drawn == index
            band |= binary_dilation(here, iterations=outside) & ~binary_erosion(here, iterations=inside)
    thin = [index for name in THIN for index in _indices(session, name)]
    band &= (drawn != IGNORED) & ~np.isin(drawn, thin) & ~np.isin(found, thin)
    return np.where(band, found, drawn).astype(np.uint8)


def dark_cortex(scan: np.ndarray, labels: np.ndarray, session: Session) -> np.ndarray:
    """Return where cortex is darker than `GREY`: partly, or wholly, the fluid of a sulcus."""
    ventricles = np.isin(labels, _indices(session, "lateral ventricle"))
    fluid = float(np.median(scan[binary_erosion(ventricles, iterations=2)]))
    dark = np.zeros(labels.shape, bool)
    for name in ("cerebral cortex", "cerebellum cortex"):
        cortex = np.isin(labels, _indices(session, name))
        values = scan[cortex]
        edge = fluid
        for _ in range(20):  # grey matter is what lies above the edge, and the edge follows from it
            edge = fluid + GREY * (float(np.median(values[values > edge])) - fluid)
        dark |= cortex & (scan < edge)
    return dark


def _indices(session: Session, name: str) -> list[int]:
    return [
        label.index
        for label in session.labels.labels
        if label.name.removeprefix("left ").removeprefix("right ") == name
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
