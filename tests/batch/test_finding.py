"""Scans in a study tree, and slices on a command line: all are found, and what is not used is named."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest

from napari_scd.batch.finding import OTHER_FILES, find_scans, named_apart
from napari_scd.batch.jobs import Targets
from napari_scd.batch.paths import plan_batch
from napari_scd.errors import InputError
from napari_scd.volume import gather_slices, read_volume

pytest.importorskip("pydicom")

from ..dicom_writer import Spec, dataset_of, write_series, write_slice  # noqa: E402 - after the check

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.batch.finding import Scan

MR = Spec(np.random.default_rng(5).integers(0, 900, (10, 9, 8)), modality="MR", intercept=0.0)
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")


def nifti(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)).to_filename(path)
    return path


def found_in(top: Path) -> dict[str, Scan]:
    return {scan.name: scan for scan in find_scans(top, "MR", top / "results")}


def split(top: Path, spec: Spec, *groups: range, change: Callable[[Any], object] | None = None) -> None:
    for number, group in enumerate(groups):
        for index in group:
            dataset = dataset_of(spec, index)
            if change is not None:
                change(dataset)
            write_slice(top / f"DIR{number}" / f"IM{index}", dataset)


def test_a_series_in_several_folders_is_one_scan(tmp_path: Path) -> None:
    split(tmp_path / "p1", MR, range(4), range(4, 7), range(7, 10))
    (scan,) = found_in(tmp_path).values()
    assert scan.name == os.path.join("p1", "series-4") and len(scan.slices) == 10 and scan.state[0] == 10
    np.testing.assert_array_equal(read_volume(scan.slices).array, MR.array)


def test_a_lost_slice_of_a_series_in_several_folders_is_named_on_reading(tmp_path: Path) -> None:
    split(tmp_path / "p1", MR, range(5), range(5, 9))
    (tmp_path / "p1" / "DIR1" / "IM9").touch()
    (scan,) = found_in(tmp_path).values()
    assert read_volume(scan.slices).warnings == ("Left out: IM9 (empty).",)


def test_copies_in_other_folders_are_scans_of_their_own(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_series(tmp_path / name, MR)
    scans = found_in(tmp_path)
    assert sorted(scans) == [os.path.join("first", "series-4"), os.path.join("second", "series-4")]
    assert not any(scan.slices for scan in scans.values())


@needs_links
def test_linked_subjects_are_found(tmp_path: Path) -> None:
    nifti(tmp_path / "store" / "s1" / "t1.nii.gz")
    write_series(tmp_path / "store" / "s2", MR)
    nifti(tmp_path / "study" / "s0" / "t1.nii.gz")
    for name in ("s1", "s2"):
        (tmp_path / "study" / name).symlink_to(tmp_path / "store" / name)
    assert [Path(name).parts[0] for name in found_in(tmp_path / "study")] == ["s0", "s1", "s2"]


@needs_links
def test_links_that_lead_nowhere_or_in_circles_are_named(tmp_path: Path) -> None:
    nifti(tmp_path / "s0" / "t1.nii.gz")
    (tmp_path / "s1").symlink_to(tmp_path / "gone")
    (tmp_path / "s2").symlink_to(tmp_path / "s0")
    (tmp_path / "t1.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
    scans = found_in(tmp_path)
    assert scans["s1"].broken == "link to nowhere"
    assert scans["t1.nii.gz"].broken == "link to nowhere"
    assert scans["s2"].skip == "link to a folder that is read already"


def test_a_folder_that_must_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nifti(tmp_path / "s0" / "t1.nii.gz")
    (tmp_path / "s1").mkdir()
    scandir = os.scandir

    def guarded(place: Any) -> Any:
        if os.path.basename(place) == "s1":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", guarded)
    assert found_in(tmp_path)["s1"].broken == "cannot be read: permission denied"


def test_what_is_not_a_scan_is_counted(tmp_path: Path) -> None:
    nifti(tmp_path / "s0" / "t1.nii.gz")
    for name in ("README", "a.json", "b.json", "c.json", "d.json"):
        (tmp_path / "s0" / name).write_text("{}")
    report = dataset_of(MR, 0)
    report.Modality = "SR"
    write_slice(tmp_path / "s0" / "report.dcm", report)
    (tmp_path / ".git").mkdir()
    scan = found_in(tmp_path)[OTHER_FILES]
    assert scan.skip.startswith("7 not used: ")
    for part in (
        "README, a.json, b.json and 2 more (not an image)",
        "report.dcm (no scan: SR)",
        ".git (hidden)",
    ):
        assert part in scan.skip


def test_images_without_position_are_named(tmp_path: Path) -> None:
    nifti(tmp_path / "s0" / "t1.nii.gz")
    split(tmp_path / "cr", MR, range(2), change=lambda dataset: delattr(dataset, "ImagePositionPatient"))
    scans = found_in(tmp_path)
    name = os.path.join("cr", "DIR0", "IM0")
    assert scans[name].skip == "no position in space"


def test_a_folder_of_empty_slices_is_named(tmp_path: Path) -> None:
    nifti(tmp_path / "s0" / "t1.nii.gz")
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "IM1.dcm").touch()
    assert found_in(tmp_path)[os.path.join("s1", "IM1.dcm")].broken == "empty"


def test_a_single_img_is_broken_and_the_img_of_a_pair_is_part_of_it(tmp_path: Path) -> None:
    pair = nib.Nifti1Pair(np.ones((4, 5, 6), np.int16), np.eye(4))
    pair.to_filename(tmp_path / "pair.img")
    (tmp_path / "alone.img").write_bytes((tmp_path / "pair.img").read_bytes())
    scans = found_in(tmp_path)
    assert sorted(scans) == ["alone", "pair"]
    assert "both halves" in scans["alone"].broken and not scans["pair"].broken


def test_dicom_named_like_nifti_is_one_scan(tmp_path: Path) -> None:
    for index in range(10):
        write_slice(tmp_path / f"IM{index}.img", dataset_of(MR, index))
    assert list(found_in(tmp_path)) == ["series-4"]


def test_a_tree_without_any_scan_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"no scan below .* \(notes.txt \(not an image\)\)"):
        find_scans(tmp_path, "MR", tmp_path / "results")


def test_scans_of_one_name_get_numbers(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii")
    nifti(tmp_path / "a.nii.gz")
    scans = list(found_in(tmp_path).values())
    assert [scan.name for scan in scans] == ["a", "a-2"]
    assert [scan.name for scan in named_apart([*scans, *scans])] == ["a", "a-2", "a-3", "a-2-2"]


def test_all_slices_of_a_series_are_one_case(tmp_path: Path) -> None:
    slices = sorted(write_series(tmp_path / "ct", MR).iterdir())
    (case,), _ = plan_batch(slices, Targets(tmp_path / "out"))
    assert case.labels == tmp_path / "out" / "ct.nii.gz" and case.slices == tuple(slices)
    (case,), _ = plan_batch(slices, Targets(tmp_path / "one.nii.gz"))
    assert case.labels == tmp_path / "one.nii.gz"


def test_slices_of_two_series_and_a_file_are_three_scans(tmp_path: Path) -> None:
    write_series(tmp_path / "study", MR)
    write_series(tmp_path / "study", replace(MR, number=9, description="Other"))
    scan = nifti(tmp_path / "t1.nii.gz")
    given = [*sorted((tmp_path / "study").iterdir()), scan]
    gathered = gather_slices(given)
    assert [len(one.slices) for one in gathered] == [10, 10, 0]
    assert gathered[0].source == given[0] and gathered[2].source == scan


def test_one_slice_stands_for_its_series(tmp_path: Path) -> None:
    first = sorted(write_series(tmp_path / "ct", MR).iterdir())[0]
    assert gather_slices([first]) == [(first, ())]
    scan = nifti(tmp_path / "t1.nii.gz")
    assert gather_slices([first, scan]) == [(first, ()), (scan, ())]


def test_a_lost_slice_among_those_given_is_read_with_its_series(tmp_path: Path) -> None:
    slices = sorted(write_series(tmp_path / "ct", MR).iterdir())
    lost = tmp_path / "ct" / "IM9.dcm"
    lost.touch()
    (scan,) = gather_slices([*slices, lost])
    assert read_volume(scan.slices).warnings == ("Left out: IM9.dcm (empty).",)


def test_other_files_given_with_the_slices_are_left_out_and_named(tmp_path: Path) -> None:
    slices = sorted(write_series(tmp_path / "ct", MR).iterdir())
    (tmp_path / "ct" / "IM9").touch()
    (tmp_path / "ct" / "README.txt").write_text("of the disc")
    scan = nifti(tmp_path / "ct" / "t1.nii.gz")
    whole, other = gather_slices(sorted((tmp_path / "ct").iterdir()))
    assert set(slices) < set(whole.slices) and other == (scan, ())
    assert read_volume(whole.slices).warnings == ("Left out: IM9 (empty); README.txt (not a DICOM file).",)


@needs_links
def test_names_in_bytes_of_no_character_set_are_found(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/z\xe9"
    os.mkdir(odd)
    nifti(tmp_path / "t1.nii.gz")
    os.rename(tmp_path / "t1.nii.gz", odd + b"/t1_\xfc.nii.gz")
    (scan,) = find_scans(tmp_path, "MR", tmp_path / "results")
    assert os.fsencode(scan.source) == odd + b"/t1_\xfc.nii.gz" and not scan.broken
