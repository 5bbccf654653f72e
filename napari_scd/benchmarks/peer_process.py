"""A whole process as another user would write it: file in, MONAI's transforms, one network, labels out.

Run as ``python -m napari_scd.benchmarks.peer_process PEER SCAN LABELS THREADS``, with the peer as one line of
JSON. Nothing of napari-scd's own engine is used or imported here.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from monai.data import MetaTensor
from monai.inferers import sliding_window_inference
from monai.transforms import (
    Compose,
    EnsureChannelFirst,
    LoadImage,
    Orientation,
    ResampleToMatch,
    ResizeWithPadOrCrop,
    SaveImage,
    ScaleIntensityRange,
    ScaleIntensityRangePercentiles,
    Spacing,
)

from napari_scd.benchmarks.peer_networks import Peer, build_peer


def segment_with(peer: Peer, scan: str, labels: str) -> None:
    """Segment a file into a file on the scan's own grid."""
    original = Compose([LoadImage(image_only=True), EnsureChannelFirst()])(scan)
    image = _prepared(peer)(original)
    network = build_peer(peer)
    with torch.inference_mode():
        if peer.sees_all:
            logits: Any = network(image[None])
        else:
            logits = sliding_window_inference(
                image[None], peer.window, 1, network, overlap=peer.overlap, mode="gaussian"
            )
    found = logits[0].argmax(dim=0, keepdim=True).float()
    on_grid = ResampleToMatch(mode="nearest")(MetaTensor(found, meta=image.meta), original)
    writer = SaveImage(output_dtype=torch.uint8, separate_folder=False, resample=False, print_log=False)
    writer(on_grid, filename=labels.removesuffix(".gz").removesuffix(".nii"))


def _prepared(peer: Peer) -> Compose:
    steps: list[Any] = [
        Orientation(axcodes="RAS", labels=None),
        Spacing(pixdim=peer.spacing_mm, mode="bilinear"),
    ]
    if peer.clip is None:
        steps.append(ScaleIntensityRangePercentiles(1, 99, 0.0, 1.0, clip=True))
    else:
        steps.append(ScaleIntensityRange(*peer.clip, 0.0, 1.0, clip=True))
    return Compose([*steps, ResizeWithPadOrCrop(peer.window)] if peer.sees_all else steps)


if __name__ == "__main__":
    about, source, target, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    segment_with(Peer.from_json(about), source, target)
