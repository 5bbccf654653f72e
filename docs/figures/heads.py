"""Draw heads of random contrast from the label maps that ``brain-mr-free`` never saw, as in its training.

Run ``python docs/figures/heads.py MAPS OUT [EACH] [skull|stripped]``, MAPS being the folder of SynthSeg's
label maps. OUT gets ``images`` and ``labels`` for ``napari-scd models calibrate`` and ``evaluate``: EACH (1)
heads of each of the three maps. With the last word all heads have, or all lack, their skull, and the tissues
have the order of a T1.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from napari_scd.training import BatchMaker, find_config, list_cases, load_map, read_config
from napari_scd.volume import Volume, write_labels, write_volume

SPL_1MM = np.eye(4)


class HeadMaker(BatchMaker):
    """Makes windows around the middle of the brain."""

    def centre(self, case):
        """Middle of the box around all structures."""
        brain = np.isin(case.label[0].numpy(), [value for held in self.config.drawn_values for value in held])
        used = [np.flatnonzero(brain.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        return torch.tensor([(places[0] + places[-1]) / 2 for places in used], dtype=torch.float32)


def main(maps: str, out: str, each: str = "1", look: str = "any") -> None:
    """Write the heads."""
    config = replace(read_config(find_config("brain-mr-free"), data={"labels": maps}), seed=77)
    if look != "any":
        share = float(look == "stripped")
        synthesis = replace(
            config.synthesis, strip_share=share, ordered_share=1.0, grouped_share=1.0, empty_share=1.0
        )
        config = replace(config, synthesis=synthesis)
    for kind in ("images", "labels"):
        (Path(out) / kind).mkdir(parents=True, exist_ok=True)
    for number, files in enumerate(list_cases(config.data, maps_only=True)[1]):
        maker = HeadMaker([], config, maps=[load_map(files, config)])
        for k in range(int(each)):
            batch = maker.batch(100 * number + k)
            name = f"{files.name}_{k}.nii.gz"
            write_volume(Path(out) / "images" / name, Volume(batch.image[0, 0].numpy(), SPL_1MM))
            write_labels(Path(out) / "labels" / name, Volume(batch.label[0, 0].numpy(), SPL_1MM))


if __name__ == "__main__":
    main(*sys.argv[1:])
