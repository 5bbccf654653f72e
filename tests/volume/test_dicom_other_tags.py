"""Scans of one place that neither contrast nor moment tells apart: by settings, names or indices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("pydicom")

from napari_scd.errors import InputError  # noqa: E402 - after the check that pydicom is there
from napari_scd.volume import find_series, read_volume  # noqa: E402

from ..dicom_writer import dataset_of, write_enhanced, write_slice  # noqa: E402
from .test_dicom_frames import EARLY, LATE, N_SLICES, tags, write_scans  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Groups = Callable[[int], dict[str, dict[str, Any]]]


def are_apart(path: Path) -> bool:
    """Each frame holds one of the two scans, whichever comes first."""
    frames = [read_volume(path, frame=frame).array for frame in (0, 1)]
    wanted = [EARLY.array, LATE.array]
    return any(all(map(np.array_equal, frames, scans)) for scans in (wanted, wanted[::-1]))


@pytest.mark.parametrize(
    ("name", "early", "late"),
    [
        ("RepetitionTime", 500.0, 2500.0),
        ("SeriesTime", "080000", "090000"),
        ("SeriesDescription", "in phase", "out of phase"),
        ("SequenceName", "fl3d1", "fl3d2"),
        ("ProtocolName", "before", "after"),
        ("ContrastBolusAgent", "", "GADOLINIUM"),
        ("FrameReferenceTime", 9.5, 120.0),
        ("ImageComments", "subtraction", "original"),
        ("KVP", 80, 140),
    ],
)
def test_scans_are_told_apart_by_what_they_share_in_every_place(
    tmp_path: Path, name: str, early: Any, late: Any
) -> None:
    assert are_apart(write_scans(tmp_path / "s", tags(**{name: early}), tags(**{name: late})))


def test_a_tag_that_follows_the_slice_tells_nothing(tmp_path: Path) -> None:
    folder = write_scans(
        tmp_path / "s",
        tags(ImageComments=lambda index: f"slice {index}"),
        tags(ImageComments=lambda index: f"slice {N_SLICES + index}"),
    )
    with pytest.raises(InputError, match="show the same place, and nothing in their headers"):
        read_volume(folder, frame=0)


def shuffled(path: Path, early: Groups, late: Groups) -> Path:
    """Write both scans into one file, the frames in no order."""
    frames = [
        (spec.array[index], index, groups(index))
        for spec, groups in ((EARLY, early), (LATE, late))
        for index in range(N_SLICES)
    ]
    order = np.random.default_rng(3).permutation(len(frames))
    return write_enhanced(path, EARLY, [frames[place] for place in order])


def always(sequence: str, **values: Any) -> Groups:
    return lambda index: {sequence: values}


@pytest.mark.parametrize(
    ("early", "late"),
    [
        (
            lambda index: {"FrameContentSequence": {"DimensionIndexValues": [1, index + 1]}},
            lambda index: {"FrameContentSequence": {"DimensionIndexValues": [2, index + 1]}},
        ),
        (always("FrameContentSequence", StackID="1"), always("FrameContentSequence", StackID="2")),
        (
            always("FrameContentSequence", FrameReferenceDateTime="20260101080000"),
            always("FrameContentSequence", FrameReferenceDateTime="20260101080130"),
        ),
        (
            always("TemporalPositionSequence", TemporalPositionTimeOffset=0.0),
            always("TemporalPositionSequence", TemporalPositionTimeOffset=30.0),
        ),
        (
            always("MRTimingAndRelatedParametersSequence", RepetitionTime=500.0),
            always("MRTimingAndRelatedParametersSequence", RepetitionTime=2500.0),
        ),
        (
            always("MRVelocityEncodingSequence", VelocityEncodingDirection=[1.0, 0.0, 0.0]),
            always("MRVelocityEncodingSequence", VelocityEncodingDirection=[0.0, 1.0, 0.0]),
        ),
        (always("CTXRayDetailsSequence", KVP=80.0), always("CTXRayDetailsSequence", KVP=140.0)),
    ],
    ids=["indices", "stack", "reference time", "time offset", "repetition time", "velocity", "tube voltage"],
)
def test_frames_of_one_file_are_told_apart(tmp_path: Path, early: Groups, late: Groups) -> None:
    assert are_apart(shuffled(tmp_path / "s" / "enhanced.dcm", early, late))


def test_frames_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    path = shuffled(tmp_path / "s" / "enhanced.dcm", lambda index: {}, lambda index: {})
    with pytest.raises(InputError, match=r"The images \d+ and \d+ of enhanced.dcm show the same place"):
        read_volume(path, frame=0)


@pytest.mark.parametrize("by_scan", [True, False])
def test_frames_in_some_order_are_told_apart_by_it(tmp_path: Path, by_scan: bool) -> None:
    frames = [(spec.array[index], index, {}) for spec in (EARLY, LATE) for index in range(N_SLICES)]
    if not by_scan:
        frames = [frames[place] for index in range(N_SLICES) for place in (index, N_SLICES + index)]
    assert are_apart(write_enhanced(tmp_path / "s" / "enhanced.dcm", EARLY, frames))


@pytest.mark.parametrize("name", ["AcquisitionTime", "ContentTime", "ProtocolName"])
def test_passes_that_overlap_are_kept_apart_by_time_or_name(tmp_path: Path, name: str) -> None:
    shifted = replace(LATE, origin_mm=(-20.0, -30.0, 5.0 + 3.1))
    for number, spec in enumerate((EARLY, shifted)):
        for index in range(N_SLICES):
            dataset = dataset_of(spec, index)
            dataset.SOPInstanceUID = f"1.2.{number}.{index}"
            setattr(dataset, name, f"08{number}000")
            write_slice(tmp_path / f"{number}-{index}", dataset)
    assert sorted(len(series.images) for series in find_series(tmp_path).series) == [N_SLICES, N_SLICES]
