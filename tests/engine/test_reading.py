"""Scans on disk or still to be computed are read piece by piece and give the same labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_scd.engine import Request
from napari_scd.engine.preprocess import prepare
from napari_scd.engine.reading import ReadImage
from napari_scd.errors import InputError
from napari_scd.volume import Recipe, Volume

CLIP = (-100.0, 300.0)
AFFINE = np.diag([1.0, -1.0, 1.0, 1.0])
RECIPES = {
    "as it is": (Recipe("MR", normalisation="none"), True),
    "range": (Recipe("CT", normalisation="range", clip=CLIP), True),
    "by window": (Recipe("MR", normalise_over="window"), True),
    "resampled": (
        Recipe("CT", normalisation="range", clip=CLIP, spacing_mm=(2.0, 2.0, 2.0)),
        None,
    ),
    "statistics": (Recipe("MR", normalisation="zscore"), False),
}


def on_disk(array, folder):
    mapped = np.memmap(folder / "scan.raw", array.dtype, "w+", shape=array.shape)
    mapped[:] = array
    return mapped


def as_dask(array, folder):
    return pytest.importorskip("dask.array").from_array(array, chunks=8)


@pytest.mark.parametrize("elsewhere", [on_disk, as_dask])
@pytest.mark.parametrize("name", RECIPES)
def test_the_same_windows_and_labels(thresholder, tmp_path, name, elsewhere) -> None:
    recipe, read = RECIPES[name]
    array = np.random.default_rng(0).integers(-400, 600, (24, 28, 40)).astype(np.int16)
    held, lazy = Volume(array, AFFINE), Volume(elsewhere(array, tmp_path), AFFINE)
    assert lazy.lies_elsewhere and not held.lies_elsewhere
    expected, found = (prepare(volume, recipe, (16, 16, 16), 4) for volume in (held, lazy))
    if read is not None:
        assert isinstance(found.image, ReadImage) is read
    torch.testing.assert_close(found.fill, expected.fill, rtol=0, atol=0)
    for start in expected.grid.starts((8, 8, 8)):
        torch.testing.assert_close(found.window(start), expected.window(start), rtol=0, atol=0)
    answers = []
    for volume in (held, lazy):
        session = thresholder(recipe)
        session.set_volume(volume)
        answers.append(session.segment().labels.array)
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes")]
)
def test_whatever_says_there_is_no_memory_halves_the_batch(thresholder, error) -> None:
    session = thresholder()
    session.set_volume(Volume(np.random.default_rng(0).random((24, 28, 20)), np.eye(4)))
    network = session._model.network
    rest = network.rest

    def hungry(prefix, *args, **kwargs):
        if len(prefix.tokens) > 1:
            raise error
        return rest(prefix, *args, **kwargs)

    network.rest = hungry
    assert session.segment(Request(batch=4)).complete and set(network.batches) == {1}
    network.rest = lambda *_, **__: (_ for _ in ()).throw(error)
    session.set_volume(session.volume)
    with pytest.raises(InputError, match="Out of memory"):
        session.segment(Request(device="cpu"))
