"""DICOM segmentations of other programs: sparse, fractional, of many segments, with gaps in their headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
hd = pytest.importorskip("highdicom")

from pydicom.sr.codedict import codes  # noqa: E402 - after the check that it is there
from pydicom.uid import generate_uid  # noqa: E402

from napari_scd.errors import InputError  # noqa: E402
from napari_scd.volume import Volume, paste, read_label_table, read_labels, read_volume, write_labels  # noqa: E402

from ..dicom_writer import Spec, write_series  # noqa: E402
from .test_dicom_reading import drawn, rotated  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = rotated(Spec(drawn((12, 10, 8))), 9)


@pytest.fixture
def scan(tmp_path: Path) -> Volume:
    return read_volume(write_series(tmp_path / "scan", SPEC))


@pytest.fixture
def theirs(tmp_path: Path, scan: Volume) -> Callable[..., Path]:
    """Give ``theirs(array, kind, names, change=None)``: a file that another program wrote."""

    def write(
        array: np.ndarray,
        kind: str = "BINARY",
        names: tuple[str, ...] = ("one",),
        change: Callable[[Any], object] | None = None,
        **options: Any,
    ) -> Path:
        assert scan.source is not None
        described = [
            hd.seg.SegmentDescription(
                number, name, codes.SCT.AnatomicalStructure, codes.SCT.Kidney,
                hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
            for number, name in enumerate(names, start=1)
        ]  # fmt: skip
        dataset = hd.seg.Segmentation(
            [pydicom.dcmread(image.path) for image in scan.source.images], array, kind, described,
            generate_uid(), 9, generate_uid(), 1, "maker", "model", "1", "0", **options,
        )  # fmt: skip
        if change is not None:
            change(dataset)
        dataset.save_as(tmp_path / "theirs.dcm")
        return tmp_path / "theirs.dcm"

    return write


def measures(dataset: Any) -> Any:
    return dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]


def slices(scan: Volume, *wanted: int) -> np.ndarray:
    labels = np.zeros(scan.spatial_shape, np.uint8)
    labels[list(wanted), 2:6, 3:7] = 1
    return labels


@pytest.mark.parametrize("wanted", [(2, 4, 6, 8), (1, 4, 7), (0, 11), (3, 5, 8)])
def test_a_structure_on_some_slices_keeps_their_spacing(
    scan: Volume, theirs: Callable[..., Path], wanted: tuple[int, ...]
) -> None:
    labels = slices(scan, *wanted)
    again = read_labels(theirs(labels))
    assert again.spacing_mm == pytest.approx(scan.spacing_mm)
    np.testing.assert_array_equal(paste(again, scan).array, labels)


def test_our_own_file_of_every_other_slice_keeps_the_spacing(tmp_path: Path, scan: Volume) -> None:
    labels = slices(scan, 2, 4, 6, 8)
    write_labels(tmp_path / "own.dcm", Volume(labels, scan.affine), like=scan)
    again = read_labels(tmp_path / "own.dcm")
    assert again.spacing_mm == pytest.approx(scan.spacing_mm)
    np.testing.assert_array_equal(paste(again, scan).array, labels)


@pytest.mark.parametrize("lost", [("SpacingBetweenSlices",), ("SpacingBetweenSlices", "SliceThickness")])
@pytest.mark.parametrize("wanted", [(3, 4, 5), (2, 5, 7, 10)])
def test_spacing_that_is_not_said_follows_from_the_frames(
    scan: Volume, theirs: Callable[..., Path], lost: tuple[str, ...], wanted: tuple[int, ...]
) -> None:
    def forget(dataset: Any) -> None:
        for name in lost:
            delattr(measures(dataset), name)

    labels = slices(scan, *wanted)
    again = read_labels(theirs(labels, change=forget))
    np.testing.assert_array_equal(paste(again, scan).array, labels)


@pytest.mark.parametrize("kind", ["PROBABILITY", "OCCUPANCY"])
@pytest.mark.parametrize("most", [1, 100, 255])
def test_fractions_count_from_one_half(
    scan: Volume, theirs: Callable[..., Path], kind: str, most: int
) -> None:
    fractions = np.zeros((*scan.spatial_shape, 2), np.float32)
    fractions[3:6, 2:6, 3:7, 0] = 1.0
    fractions[5:8, 2:6, 3:7, 1] = 1.0 if most == 1 else 0.8
    if most > 1:
        fractions[2, 2:6, 3:7, 0] = 0.3
    path = theirs(fractions, "FRACTIONAL", ("one", "two"), fractional_type=kind, max_fractional_value=most)
    volume = read_labels(path)
    labels = paste(volume, scan).array
    assert (labels[3:6, 2:6, 3:7] == 1).all() and (labels[6:8, 2:6, 3:7] == 2).all()
    assert not labels[:3].any()
    assert "fraction is one half or more" in volume.warnings[0]


def test_overlapping_segments_are_told(scan: Volume, theirs: Callable[..., Path]) -> None:
    both = np.zeros((*scan.spatial_shape, 2), np.uint8)
    both[3:6, 2:6, 3:7, 0] = 1
    both[5:8, 2:6, 3:7, 1] = 1
    volume = read_labels(theirs(both, names=("one", "two")))
    assert volume.warnings == ("Some segments overlap; the later one is shown there.",)
    assert (paste(volume, scan).array[5:8, 2:6, 3:7] == 2).all()


def test_many_segments_of_one_name_are_told_apart(scan: Volume, theirs: Callable[..., Path]) -> None:
    labels = np.zeros(scan.spatial_shape, np.uint8)
    for number in range(1, 7):
        labels[number, 2:4, 3:5] = number
    path = theirs(labels, names=("node", "node", "node 1", "", "node", "vessel"))
    table = read_label_table(path)
    assert table is not None and table.indices == (1, 2, 3, 4, 5, 6)
    assert table.names[5] == "vessel" and len(set(table.names)) == 6
    np.testing.assert_array_equal(paste(read_labels(path), scan).array, labels)


def forget_segments(dataset: Any) -> None:
    dataset.SegmentSequence = dataset.SegmentSequence[:1]


def forget_colours(dataset: Any) -> None:
    for segment in dataset.SegmentSequence:
        segment.RecommendedDisplayCIELabValue = [1]


def wobble(dataset: Any) -> None:
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        place = frame.PlanePositionSequence[0]
        place.ImagePositionPatient = [
            round(float(mm), 1 if number % 2 else 3) for mm in place.ImagePositionPatient
        ]
        orientation = pydicom.Dataset()
        shared = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
        orientation.ImageOrientationPatient = [
            round(float(part), 4) for part in shared.ImageOrientationPatient
        ]
        frame.PlaneOrientationSequence = [orientation]


@pytest.mark.parametrize("change", [forget_segments, forget_colours, wobble])
def test_gaps_and_rounding_in_their_headers_do_no_harm(
    scan: Volume, theirs: Callable[..., Path], change: Callable[[Any], object]
) -> None:
    labels = slices(scan, 3, 4, 5)
    labels[6:8, 2:6, 3:7] = 2
    path = theirs(labels, names=("one", "two"), change=change)
    np.testing.assert_array_equal(paste(read_labels(path), scan).array, labels)


def test_numbers_that_no_segment_describes_are_told(scan: Volume, theirs: Callable[..., Path]) -> None:
    labels = slices(scan, 3, 4)
    labels[5:7, 2:6, 3:7] = 2
    volume = read_labels(theirs(labels, "LABELMAP", ("one", "two"), forget_segments))
    assert "number of a segment that the file does not describe" in volume.warnings[0]


def test_frames_without_a_position_are_refused(scan: Volume, theirs: Callable[..., Path]) -> None:
    def forget(dataset: Any) -> None:
        for frame in dataset.PerFrameFunctionalGroupsSequence:
            del frame.PlanePositionSequence

    with pytest.raises(InputError, match="does not say where its frames lie"):
        read_labels(theirs(slices(scan, 3, 4), change=forget))


def test_frames_absurdly_far_apart_are_refused(scan: Volume, theirs: Callable[..., Path]) -> None:
    def move(dataset: Any) -> None:
        dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient = [
            0,
            0,
            9e6,
        ]

    with pytest.raises(InputError, match="far apart|unevenly spaced"):
        read_labels(theirs(slices(scan, 3, 4), change=move))
