"""Measure ``brain-mr`` as its card does: tissue of the ICBM152 template, structures of a scan, contrasts.

Run ``python docs/figures/brain.py SCAN LABELS [MODEL]``; LABELS has the model's label ids, 255 = not counted.
"""

from __future__ import annotations

import sys

import numpy as np
from nilearn.datasets import load_mni152_gm_template, load_mni152_wm_template

from napari_scd import Request, Session, Volume, load, read_volume
from napari_scd.evaluation import CONTRASTS
from napari_scd.volume import from_nibabel, load_icbm152, read_labels

GREY = ("cerebral cortex", "cerebellum cortex", "thalamus", "caudate", "putamen", "pallidum", "hippocampus",
        "amygdala", "accumbens area")  # fmt: skip
WHITE = ("cerebral white matter", "cerebellum white matter")
UNCOUNTED = ("brain stem", "ventral DC")
LARGE = ("thalamus", "putamen", "lateral ventricle", "cerebral white matter", "brain stem")


def main(scan: str, labels: str, model: str = "brain-mr") -> None:
    """Print one line for each contrast."""
    session = Session(*load(model), cache_bytes=0)
    template, subject = load_icbm152(), read_volume(scan)
    truth = read_labels(labels).array
    print("contrast | grey | white | large structures | all structures")
    for name, change in CONTRASTS.items():
        grey, white = tissue_dice(session, change(template))
        each = structure_dice(session, change(subject), truth)
        large = np.mean([dice for key, dice in each.items() if _base(key) in LARGE])
        print(f"{name} | {grey:.3f} | {white:.3f} | {large:.3f} | {np.mean(list(each.values())):.3f}")
        if name == "as it is":
            print(", ".join(f"{key} {dice:.2f}" for key, dice in each.items()))


def tissue_dice(session: Session, template: Volume) -> tuple[float, float]:
    """Dice of grey and of white matter against the template's own maps, both at one half."""
    found = _segmented(session, template)
    counted = ~np.isin(found, _indices(session, UNCOUNTED))
    pairs = ((GREY, load_mni152_gm_template), (WHITE, load_mni152_wm_template))
    maps = [(names, from_nibabel(get(resolution=1), "map").array > 0.5) for names, get in pairs]
    grey, white = (dice(np.isin(found, _indices(session, n)) & counted, m & counted) for n, m in maps)
    return grey, white


def structure_dice(session: Session, subject: Volume, truth: np.ndarray) -> dict[str, float]:
    """Dice of every structure that the truth holds."""
    found = _segmented(session, subject)
    counted = truth != 255
    return {
        label.name: dice((found == label.index) & counted, truth == label.index)
        for label in session.labels.labels
        if (truth == label.index).any()
    }


def dice(found: np.ndarray, wanted: np.ndarray) -> float:
    """Twice the overlap over the sum."""
    return float(2 * (found & wanted).sum() / max(found.sum() + wanted.sum(), 1))


def _segmented(session: Session, volume: Volume) -> np.ndarray:
    session.set_volume(volume)
    return session.segment(Request(keep=0.5)).labels.array


def _indices(session: Session, names: tuple[str, ...]) -> list[int]:
    return [label.index for label in session.labels.labels if _base(label.name) in names]


def _base(name: str) -> str:
    return name.removeprefix("left ").removeprefix("right ")


if __name__ == "__main__":
    main(*sys.argv[1:])
