"""`brain-mr` on the ICBM152 T1 as it comes, and turned, cropped, in thick slices, or not MR at all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from napari_scd.checkpoints import load
from napari_scd.engine import Request, Session
from napari_scd.volume import Volume, load_icbm152, reorient, resample

pytest.importorskip("nilearn")
REQUEST = Request(keep=0.5, device="cpu", precision="float32")
LARGE = ("left cerebral white matter", "right cerebral white matter", "left thalamus", "right thalamus",
         "left lateral ventricle", "right lateral ventricle", "brain stem")  # fmt: skip


@pytest.fixture(scope="module")
def session():
    return Session(*load("brain-mr"), cache_bytes=0)


@pytest.fixture(scope="module")
def scan():
    """The template at 2 mm, which is quicker to segment many times."""
    return resample(load_icbm152(), (2.0, 2.0, 2.0))[0]


@pytest.fixture(scope="module")
def truth(session, scan):
    """What the model makes of the scan as it comes, in eight windows."""
    session.set_volume(scan)
    return session.segment(REQUEST)


@pytest.fixture(scope="module")
def head(scan):
    """The scan without most of the air around the brain, which fits a single window."""
    places = np.argwhere(scan.array > 0)
    return _cut(
        scan, tuple(slice(max(a - 2, 0), b + 3) for a, b in zip(places.min(0), places.max(0), strict=True))
    )


@pytest.fixture(scope="module")
def truth_of_head(session, head):
    session.set_volume(head)
    found = session.segment(REQUEST)
    assert found.report.n_windows == 1
    return found


def _cut(volume, box) -> Volume:
    affine = volume.affine.copy()
    affine[:3, 3] += volume.affine[:3, :3] @ [side.start for side in box]
    return Volume(np.ascontiguousarray(volume.array[box]), affine)


def _labels(session, volume) -> Volume:
    session.set_volume(volume)
    return session.segment(REQUEST).labels


def _agreement(session, first, second) -> float:
    """Mean Dice of the large structures."""
    each = []
    for name in LARGE:
        a, b = first == session.labels.index_of(name), second == session.labels.index_of(name)
        each.append(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))
    return float(np.mean(each))


def test_all_large_structures_are_found_on_their_own_side(session, truth):
    labels, _ = reorient(truth.labels, "SPL")
    for name in LARGE:
        places = np.argwhere(labels.array == session.labels.index_of(name))
        assert len(places) > 100, name
        right_mm = -(labels.affine[2, :3] @ places.mean(0) + labels.affine[2, 3])
        assert ("left" not in name or right_mm < -3) and ("right" not in name or right_mm > 3), name
    assert truth.report.warnings == ()


@pytest.mark.parametrize("axes", ["RAS", "LPS", "ASR", "IRP"])
def test_how_a_file_is_turned_changes_nothing(session, head, truth_of_head, axes):
    turned, _ = reorient(head, axes)
    back, _ = reorient(_labels(session, turned), "SPL")
    assert np.mean(back.array == reorient(truth_of_head.labels, "SPL")[0].array) > 0.999


def test_left_and_right_follow_the_file_s_word(session, head):
    """An affine mirrored by mistake cannot be noticed; the labels then agree with it everywhere."""
    mirrored = np.diag([1.0, 1.0, -1.0, 1.0]) @ head.affine
    labels, _ = reorient(_labels(session, Volume(head.array, mirrored)), "SPL")
    left = np.argwhere(labels.array == session.labels.index_of("left cerebral white matter"))
    assert -(labels.affine[2, :3] @ left.mean(0) + labels.affine[2, 3]) < 0


def test_a_cropped_scan_is_segmented_where_it_is(session, scan, truth):
    box = (slice(25, 75), slice(20, 100), slice(10, 90))
    cropped = _labels(session, _cut(scan, box))
    assert _agreement(session, cropped.array, truth.labels.array[box]) > 0.6


def test_a_head_held_askew_is_segmented(session, scan, truth):
    middle = np.asarray(scan.spatial_shape) / 2
    c, s = np.cos(np.deg2rad(30)), np.sin(np.deg2rad(30))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    offset = middle - turn @ middle
    tilted = Volume(ndimage.affine_transform(scan.array, turn, offset, order=1), scan.affine)
    expected = ndimage.affine_transform(truth.labels.array, turn, offset, order=0)
    assert _agreement(session, _labels(session, tilted).array, expected) > 0.5


def test_thick_slices_are_segmented(session, head, truth_of_head):
    thick, _ = resample(head, (6.0, 2.0, 2.0))
    labels = _labels(session, thick)
    shown = ndimage.zoom(labels.array, np.divide(head.spatial_shape, labels.array.shape), order=0)
    assert _agreement(session, shown, truth_of_head.labels.array) > 0.5


@pytest.mark.parametrize("gamma", [0.6, 1.6])
def test_another_gamma_is_segmented(session, head, truth_of_head, gamma):
    labels = _labels(session, head.with_array((head.array / head.array.max()) ** gamma))
    assert _agreement(session, labels.array, truth_of_head.labels.array) > 0.6


def test_ct_by_mistake_is_told(session, head):
    hounsfield = head.with_array(np.where(head.array > 0, head.array / head.array.max() * 80, -1000))
    session.set_volume(hounsfield)
    report = session.segment(REQUEST).report
    assert any("looks like CT" in sentence for sentence in report.warnings)


def test_pairs_of_structures_do_not_mix(session, truth):
    """No voxel of the left hemisphere's white matter lies beyond the right one's centre, or the reverse."""
    labels, _ = reorient(truth.labels, "SPL")
    sides = {}
    for side in ("left", "right"):
        found = labels.array == session.labels.index_of(f"{side} cerebral white matter")
        places = np.argwhere(found)
        sides[side] = -(places @ labels.affine[2, :3] + labels.affine[2, 3])
    for side, sign in itertools.zip_longest(sides, (-1, 1)):
        assert np.mean(sign * sides[side] > 0) > 0.97
