"""Draw cases of a model card: the truth on the left, what the model found on the right.

Run ``python docs/figures/cases.py MODEL IMAGES LABELS OUT CASE [CASE ...]``; of every case the axial plane
with most of the truth's structures is drawn, with the case's mean Dice at keep 0.5.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from napari_scd import Request, Session, load
from napari_scd.evaluation import find_cases, read_pair
from napari_scd.volume import reorient

PAPER, INK = "#101317", "#eceff3"


def main(model: str, images: str, labels: str, out: str, *names: str) -> None:
    """Draw one row of pictures for each case."""
    session = Session(*load(model), cache_bytes=0)
    cases = find_cases(images=images, labels=labels).cases
    figure, axes = plt.subplots(
        len(names), 2, figsize=(7.6, 3.6 * len(names)), facecolor=PAPER, squeeze=False
    )
    for row, name in zip(axes, names, strict=True):
        image, truth = read_pair(cases[name])
        session.set_volume(image)
        found = session.segment(Request(keep=0.5)).labels
        dice = _mean_dice(session, found.array, truth.array)
        scan, wanted, got = (reorient(volume, "SPL")[0] for volume in (image, truth, found))
        plane = _fullest(wanted.array, session)
        for axis, shown, words in zip(
            row, (wanted, got), (f"{name}: truth", f"found, mean Dice {dice:.2f}"), strict=True
        ):
            _draw(axis, scan.array[plane], shown.array[plane], session)
            axis.set_aspect(scan.spacing_mm[1] / scan.spacing_mm[2])
            axis.set_title(words, color=INK, fontsize=10)
    figure.subplots_adjust(left=0.01, right=0.99, top=1 - 0.09 / len(names), bottom=0.01, wspace=0.02)
    figure.savefig(Path(out), dpi=75, facecolor=PAPER)


def _mean_dice(session: Session, found: np.ndarray, truth: np.ndarray) -> float:
    counted = truth != 255
    each = []
    for index in session.labels.indices:
        a, b = (found == index) & counted, truth == index
        if b.any():
            each.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    return float(np.mean(each))


def _fullest(truth: np.ndarray, session: Session) -> int:
    kinds = [len(set(np.unique(plane)) & set(session.labels.indices)) for plane in truth]
    size = [np.isin(plane, session.labels.indices).mean() for plane in truth]
    return int(np.argmax(np.array(kinds) + np.array(size)))


def _draw(axis, scan: np.ndarray, labels: np.ndarray, session: Session) -> None:
    low, high = np.percentile(scan, (1, 99.5))
    axis.imshow(scan, cmap="gray", vmin=low, vmax=high)
    for label in session.labels.labels:
        mask = labels == label.index
        if mask.any():
            colour = [value / 255 for value in label.colour]
            axis.contourf(mask, levels=[0.5, 1.5], colors=[(*colour, 0.45)])
            axis.contour(mask, levels=[0.5], colors=[colour], linewidths=0.8)
    axis.axis("off")


if __name__ == "__main__":
    main(*sys.argv[1:])
