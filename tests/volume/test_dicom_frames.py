"""Several scans of one place in a series: told apart by every tag that tells them apart, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("pydicom")

from napari_scd.errors import ChooseFrame, InputError  # noqa: E402 - after the check that pydicom is there
from napari_scd.volume import read_volume  # noqa: E402

from ..dicom_writer import Spec, dataset_of, write_slice  # noqa: E402
from .test_dicom_reading import drawn  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Any, int], object]

N_SLICES = 6
EARLY = Spec(drawn((N_SLICES, 8, 8)) // 2, modality="MR", intercept=0.0)
LATE = replace(EARLY, array=EARLY.array + 2000)


def write_scans(folder: Path, *changes: Change, specs: tuple[Spec, ...] = (EARLY, LATE)) -> Path:
    """Write scans of one place into one series, file names and InstanceNumbers without order."""
    for scan, (spec, change) in enumerate(zip(specs, changes, strict=True)):
        for index in range(len(spec.array)):
            dataset = dataset_of(spec, index)
            dataset.SOPInstanceUID = f"1.2.3.{scan}.{index}"
            change(dataset, index)
            name = f"{index}-{(scan + index) % 2}-{scan}"
            write_slice(folder / name, dataset)
    return folder


def check(folder: Path, first: Spec = EARLY, second: Spec = LATE) -> None:
    """Each frame holds one scan, in the order given."""
    with pytest.raises(ChooseFrame) as caught:
        read_volume(folder)
    assert caught.value.n_frames == 2
    np.testing.assert_array_equal(read_volume(folder, frame=0).array, first.array)
    np.testing.assert_array_equal(read_volume(folder, frame=1).array, second.array)


def tags(**values: Any) -> Change:
    def change(dataset: Any, index: int) -> None:
        for name, value in values.items():
            setattr(dataset, name, value(index) if callable(value) else value)

    return change


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ({"AcquisitionTime": "080000"}, {"AcquisitionTime": "080130"}),
        ({"ContentTime": "080000.5"}, {"ContentTime": "080000.75"}),
        ({"AcquisitionDateTime": "20260101235950"}, {"AcquisitionDateTime": "20260102000010"}),
        ({"TemporalPositionIdentifier": 1}, {"TemporalPositionIdentifier": 2}),
        ({"TriggerTime": 10.0}, {"TriggerTime": 480.0}),
        ({"EchoTime": 4.6, "EchoNumbers": 1}, {"EchoTime": 9.2, "EchoNumbers": 2}),
        ({"EchoTime": 4.6}, {"EchoTime": 9.2}),
        ({"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}),
        (
            {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [0.0, 0.0, 1.0]},
            {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [1.0, 0.0, 0.0]},
        ),
        ({"InversionTime": 200.0}, {"InversionTime": 900.0}),
        ({"FlipAngle": 4.0}, {"FlipAngle": 18.0}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M"]}, {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}),
        ({"NominalPercentageOfCardiacPhase": 30.0}, {"NominalPercentageOfCardiacPhase": 70.0}),
        ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
    ],
    ids=lambda values: "-".join(values),
)
def test_scans_are_told_apart_by_one_tag_alone(
    tmp_path: Path, early: dict[str, Any], late: dict[str, Any]
) -> None:
    folder = write_scans(tmp_path / "s", tags(**early), tags(**late))
    if "DiffusionGradientOrientation" in early:  # sorted by direction, of which neither is the first
        check(folder, EARLY, LATE)
    else:
        check(folder)


def test_times_that_run_on_from_slice_to_slice(tmp_path: Path) -> None:
    folder = write_scans(
        tmp_path / "s",
        tags(AcquisitionTime=lambda index: f"0800{10 + index:02d}"),
        tags(AcquisitionTime=lambda index: f"0801{40 - index:02d}"),
    )
    check(folder)


def test_a_scan_over_midnight_without_a_date(tmp_path: Path) -> None:
    early = ("235958", "235959", "000000", "000001", "000002", "000003")
    folder = write_scans(
        tmp_path / "s",
        tags(ContentTime=lambda index: early[index]),
        tags(ContentTime=lambda index: f"00010{index}"),
    )
    check(folder)


def test_b_values_in_a_vendors_own_tag(tmp_path: Path) -> None:
    def with_b(value: int) -> Change:
        def change(dataset: Any, index: int) -> None:
            block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
            block.add_new(0x0C, "IS", value)

        return change

    check(write_scans(tmp_path / "s", with_b(50), with_b(800)))


def test_acquisitions_numbered_anew_for_each_slice_do_not_mix_b_values(tmp_path: Path) -> None:
    folder = write_scans(
        tmp_path / "s",
        tags(DiffusionBValue=0.0, AcquisitionNumber=lambda index: 2 * index + 1 + index % 2),
        tags(DiffusionBValue=1000.0, AcquisitionNumber=lambda index: 2 * index + 2 - index % 2),
    )
    check(folder)


@pytest.mark.parametrize(
    "numbers",
    [
        (lambda index: index + 1, lambda index: index + 1 + N_SLICES),
        (lambda index: 2 * index + 1, lambda index: 2 * index + 2),
        (lambda index: index + 1, lambda index: 2 * N_SLICES - index),
    ],
    ids=["one after the other", "by turns", "there and back"],
)
def test_numbers_in_some_order_tell_scans_apart(
    tmp_path: Path, numbers: tuple[Callable[[int], int], ...]
) -> None:
    check(write_scans(tmp_path / "s", *(tags(InstanceNumber=number) for number in numbers)))


@pytest.mark.parametrize(
    "numbers",
    [
        (lambda index: index + 1, lambda index: index + 1),
        (lambda index: (1, 7, 3, 6, 8, 10)[index], lambda index: (4, 2, 12, 5, 11, 9)[index]),
    ],
    ids=["the same", "in no order"],
)
def test_scans_that_nothing_tells_apart_are_refused_by_name(
    tmp_path: Path, numbers: tuple[Callable[[int], int], ...]
) -> None:
    folder = write_scans(tmp_path / "s", *(tags(InstanceNumber=number) for number in numbers))
    with pytest.raises(InputError, match=r"\d-\d-\d and \d-\d-\d show the same place"):
        read_volume(folder, frame=0)


def test_a_time_that_some_slices_lack_does_not_count(tmp_path: Path) -> None:
    folder = write_scans(
        tmp_path / "s",
        tags(
            AcquisitionTime=lambda index: "" if index == 2 else "080000", InstanceNumber=lambda index: index
        ),
        tags(
            AcquisitionTime=lambda index: "" if index == 4 else "080100", InstanceNumber=lambda index: index
        ),
    )
    with pytest.raises(InputError, match="show the same place"):
        read_volume(folder, frame=0)


def test_echoes_that_are_not_the_same_everywhere_are_refused_by_name(tmp_path: Path) -> None:
    folder = write_scans(
        tmp_path / "s",
        tags(EchoTime=4.6),
        tags(EchoTime=lambda index: 13.8 if index == 3 else 9.2),
    )
    with pytest.raises(InputError, match=r"do not hold the same scans .* see 3-"):
        read_volume(folder, frame=0)


def test_echo_times_rounded_by_slice_are_one_echo(tmp_path: Path) -> None:
    folder = write_scans(
        tmp_path / "s",
        tags(EchoTime=lambda index: 4.601 if index else 4.6),
        tags(EchoTime=lambda index: 9.2 if index else 9.2004),
    )
    check(folder)


def test_blank_slices_of_two_phases_are_no_duplicates(tmp_path: Path) -> None:
    blank = EARLY.array.copy()
    blank[-1] = 0
    late = LATE.array.copy()
    late[-1] = 0
    specs = (replace(EARLY, array=blank), replace(LATE, array=late))
    folder = write_scans(
        tmp_path / "s", tags(AcquisitionTime="080000"), tags(AcquisitionTime="090000"), specs=specs
    )
    check(folder, *specs)
