"""The phantom looks like a scan and is the same every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import (
    axis_directions,
    load_phantom,
    make_phantom,
    read_label_names,
    read_labels,
    read_volume,
)
from napari_scd.volume.phantom import write_samples

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"shape": (24, 32, 32), "spacing_mm": (12.0, 8.0, 8.0)}


def test_the_same_seed_gives_the_same_scan() -> None:
    one, other, third = (make_phantom(**SMALL, seed=seed)[0].array for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_every_organ_is_there_and_has_its_own_intensity(modality: str) -> None:
    scan, labels, table = make_phantom(**SMALL, modality=modality, n_structures=8)
    assert scan.array.dtype == np.int16
    assert labels.array.dtype == np.uint8
    assert set(np.unique(labels.array)) == {0, *table.indices}
    medians = [np.median(scan.array[labels.array == index]) for index in table.indices]
    assert np.ptp(medians) > 50
    assert axis_directions(scan.affine) == "SPL"
    np.testing.assert_allclose(scan.ras_mm_of((11.5, 15.5, 15.5)), 0, atol=1e-9)


def test_air_around_and_noise_inside() -> None:
    mr, labels, _ = make_phantom(**SMALL)
    ct, _, _ = make_phantom(**SMALL, modality="CT")
    for scan, air in ((mr.array, 0), (ct.array, -1000)):
        corner = scan[:, :3, :3]
        assert abs(np.median(corner) - air) < 20
        assert corner.std() > 1
        assert scan[labels.array == 1].std() > 1
    assert mr.array.min() >= 0


def test_left_lies_left() -> None:
    _, labels, table = make_phantom(**SMALL)
    for name, side in (("left kidney", -1), ("spleen", -1), ("right kidney", 1), ("liver", 1)):
        centre = np.argwhere(labels.array == table.index_of(name)).mean(axis=0)
        assert np.sign(labels.ras_mm_of(centre)[0]) == side  # R is positive on the right
    assert table.mirror_pairs == ((table.index_of("left kidney"), table.index_of("right kidney")),)


def test_bad_wishes() -> None:
    with pytest.raises(InputError, match="modality"):
        make_phantom(modality="PET")
    for n in (0, 9):
        with pytest.raises(InputError, match="1 to 8"):
            make_phantom(n_structures=n)


def test_the_shipped_files_are_what_the_code_makes(tmp_path: Path) -> None:
    pytest.importorskip("napari_scd.sample_data", reason="needs an installed package")
    scan, labels, table = load_phantom()
    scan_path, labels_path = write_samples(tmp_path)
    fresh = read_volume(scan_path)
    # another build of numpy may round a few voxels the other way
    assert (fresh.array == scan.array).mean() > 0.999
    assert (read_labels(labels_path).array == labels.array).mean() > 0.999
    np.testing.assert_array_equal(fresh.affine, scan.affine)
    assert read_label_names(labels_path) == {label.index: label.name for label in table.labels}
    assert scan_path.stat().st_size + labels_path.stat().st_size < 300 * 1024
    assert scan.warnings == labels.warnings == ()
