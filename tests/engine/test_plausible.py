"""Doubts about a scan that is not what the model was made for."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.engine import guess_modality
from napari_scd.engine.plausible import doubts
from napari_scd.volume import Recipe, Volume

CT = Recipe("CT", clip=(-125, 275), normalisation="range", spacing_mm=(3, 3, 3))
MR = Recipe("MR", normalisation="zscore", spacing_mm=(1, 1, 1))


def _volume(low, high, spacing_mm=1.0):
    array = np.linspace(low, high, 20 * 20 * 20, dtype=np.float32).reshape(20, 20, 20)
    return Volume(array, np.diag([spacing_mm, 1, 1, 1]))


@pytest.mark.parametrize(
    ("volume", "recipe", "said"),
    [
        (_volume(-1024, 1500), MR, "looks like CT"),
        (_volume(0, 900), CT, "does not look like CT"),
        (_volume(-3, 3), CT, "does not look like CT"),
        (_volume(0, 900, 9.0), MR, "9.0 mm apart"),
    ],
)
def test_what_does_not_fit_is_told(volume, recipe, said):
    (sentence,) = doubts(volume, recipe)
    assert said in sentence


@pytest.mark.parametrize(
    ("volume", "recipe"),
    [
        (_volume(-1024, 1500), CT),
        (_volume(-125, 275), CT),
        (_volume(0, 900), MR),
        (_volume(-3, 3), MR),
        (_volume(0, 900, 6.0), MR),
        (_volume(0, 1), Recipe("CT", normalisation="none")),
    ],
)
def test_what_fits_is_not_doubted(volume, recipe):
    assert doubts(volume, recipe) == ()


def test_a_few_odd_voxels_make_no_ct():
    array = np.full((30, 30, 30), 100, np.int16)
    array[0, 0, :5] = -1000
    assert doubts(Volume(array, np.eye(4)), MR) == ()


def test_ct_is_told_from_mr():
    ct = np.linspace(-1024, 1500, 8000).reshape(20, 20, 20).astype(np.int16)
    assert guess_modality(ct) == "CT"
    assert guess_modality(np.clip(ct, -125, 275)) == "CT", "clipped, as in many public collections"
    assert guess_modality(ct + 1024) == "MR"
    assert guess_modality((ct - 200) / 700) == "MR", "z-scored"
    assert guess_modality(np.full((3, 3, 3), np.nan)) == "MR"
