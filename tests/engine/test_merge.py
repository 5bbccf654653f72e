from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.checkpoints import load
from napari_scd.engine import Request, Session
from napari_scd.engine.merge import join
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path


def test_two_clicks_become_one(models: Path) -> None:
    checkpoint = load(models / "clicky.safetensors")
    session = Session(*checkpoint)
    session.set_volume(Volume(np.random.default_rng(0).normal(size=(80, 20, 20)), np.diag([2.0, 1, 1, 1])))
    request = Request(probability=True)
    parts = [session.click(at, request).segmentation for at in ((2, 10, 10), (77, 10, 10))]
    whole = join(parts, checkpoint.labels)
    assert np.array_equal(whole.labels.array, np.maximum(parts[0].labels.array, parts[1].labels.array))
    assert whole.report.voxels["anterior"] == np.count_nonzero(whole.labels.array)
    assert whole.report.volumes_ml["anterior"] == whole.report.voxels["anterior"] * 0.002
    assert whole.report.n_windows == sum(part.report.n_windows for part in parts)
    assert whole.report.seconds.total == sum(part.report.seconds.total for part in parts)
    seen = ~np.isnan(parts[0].scores.array)
    both = seen & ~np.isnan(parts[1].scores.array)
    assert np.array_equal(whole.scores.array[seen & ~both], parts[0].scores.array[seen & ~both])
    assert np.array_equal(whole.tokens.array, np.maximum(parts[0].tokens.array, parts[1].tokens.array))
    assert whole.probability is not None
    assert join(parts[:1], checkpoint.labels) is parts[0]
