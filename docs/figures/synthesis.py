"""Draw the figure of synthesised training images in ``docs/training.md``.

Run ``python docs/figures/synthesis.py MAPS``, MAPS being the folder of SynthSeg's label maps. It also
prints how many windows a second are drawn.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from napari_scd.training import BatchMaker, find_config, list_cases, load_map, read_config

IMAGES = Path(__file__).parents[1] / "images"
SEEDS = (2, 3, 4, 5, 17, 8, 9, 10, 11, 13, 15, 19)


def main(folder: str) -> None:
    """Draw twelve windows with their labels."""
    config = read_config(find_config("brain-mr-free"), data={"labels": folder})
    files = list_cases(config.data, maps_only=True)[0]
    maker = BatchMaker([], config, maps=[load_map(file, config) for file in files])
    colours = np.array([(0, 0, 0), *(label.colour for label in config.table.labels)]) / 255
    figure, axes = plt.subplots(4, 6, figsize=(9.6, 6.5), facecolor="#101317")
    began = time.perf_counter()
    batches = [maker.batch(seed) for seed in SEEDS]
    print(f"{len(SEEDS) / (time.perf_counter() - began):.1f} windows a second")
    for (image_axis, label_axis), batch in zip(axes.reshape(-1, 2), batches, strict=True):
        middle = batch.image.shape[2] // 2
        image_axis.imshow(batch.image[0, 0, middle], cmap="gray", vmin=-1, vmax=1)
        label_axis.imshow(colours[batch.label[0, 0, middle].numpy()], interpolation="nearest")
    for axis in axes.ravel():
        axis.axis("off")
    figure.subplots_adjust(left=0.01, right=0.99, top=0.99, bottom=0.01, wspace=0.03, hspace=0.03)
    figure.savefig(IMAGES / "synthesis.png", dpi=80, facecolor=figure.get_facecolor())


if __name__ == "__main__":
    main(sys.argv[1])
