from __future__ import annotations

import numpy as np

from napari_scd.engine import Request, merge
from napari_scd.volume import Recipe, Volume


def test_two_clicks_become_one(thresholder) -> None:
    session = thresholder(Recipe("MR", normalisation="none", field="click"))
    array = np.zeros((80, 20, 20), np.float32)
    array[2:6, 4:8, 4:8] = array[70:74, 4:8, 4:9] = 1.0
    session.set_volume(Volume(array, np.diag([2.0, 1, 1, 1])))
    clicks = [session.click(index, Request(probability=True)) for index in ((3, 5, 5), (72, 5, 5))]
    parts = [click.segmentation for click in clicks]
    assert merge(parts[:1], session.labels) is parts[0]
    whole = merge(parts, session.labels)
    np.testing.assert_array_equal(whole.labels.array, (array > 0.5).astype(np.uint8))
    assert whole.report.voxels["bright"] == 4 * 4 * 4 + 4 * 4 * 5
    assert whole.report.volumes_ml["bright"] == whole.report.voxels["bright"] * 0.002
    assert whole.report.n_windows == sum(part.report.n_windows for part in parts) == 2
    assert whole.report.seconds.total == sum(part.report.seconds.total for part in parts)
    seen = [~np.isnan(part.scores.array) for part in parts]
    assert seen[0].any() and not (seen[0] & seen[1]).any()
    for part, there in zip(parts, seen, strict=True):
        np.testing.assert_array_equal(whole.scores.array[there], part.scores.array[there])
    np.testing.assert_array_equal(whole.tokens.array, np.maximum(*(part.tokens.array for part in parts)))
    assert whole.probability is not None
    assert (whole.region[0].start, whole.region[0].stop) == (0, 80)
