from __future__ import annotations

from typing import Any

import numpy as np

from napari_scd.viewer.layers import look_at
from napari_scd.viewer.layers.slices import middle_slice


def test_the_middle_slice_stands_as_napari_shows_it(model: Any) -> None:
    data = np.zeros((4, 6, 8), np.float32)
    data[2, 1, 6] = 100
    straight, aspect = middle_slice(look_at(model.add_image(data, scale=(5, 2, 1))))
    assert straight.shape == (6, 8) and aspect == 2.0
    assert np.unravel_index(straight.argmax(), straight.shape) == (1, 6)
    turned = model.add_image(data.transpose(2, 1, 0)[::-1], affine=np.array(
        [[0, 0, 5, 0], [0, 2, 0, 0], [-1, 0, 0, 7], [0, 0, 0, 1.0]]
    ))  # fmt: skip
    again, aspect = middle_slice(look_at(turned))
    assert np.array_equal(again, straight) and aspect == 2.0
