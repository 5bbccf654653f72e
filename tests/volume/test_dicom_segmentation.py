from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
hd = pytest.importorskip("highdicom")

from pydicom.sr.codedict import codes  # noqa: E402 - after the check that it is there
from pydicom.uid import generate_uid  # noqa: E402

from napari_scd.errors import InputError  # noqa: E402
from napari_scd.volume import (  # noqa: E402
    LabelTable,
    Volume,
    is_segmentation,
    paste,
    read_label_table,
    read_labels,
    read_volume,
    write_labels,
    write_volume,
)
from napari_scd.volume.dicom.codes import _MODIFIERS, _STRUCTURES, ANATOMICAL_STRUCTURE, code_of  # noqa: E402

from ..dicom_writer import FRAME_UID, STUDY_UID, Spec, write_series  # noqa: E402
from .test_dicom_reading import SHIPPED, drawn, rotated  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

TABLE = LabelTable.from_names(["spleen", "right kidney", "left kidney", "something new"])


def boxes(shape: tuple[int, ...]) -> np.ndarray:
    """Labels 2 and 4, in slices with gaps between them."""
    labels = np.zeros(shape, np.uint8)
    labels[1:3, 2:5, 3:7], labels[5, 1:4, 2:4] = 2, 2
    labels[3, 6:9, 4:8] = 4
    return labels


@pytest.fixture(params=["plain", "oblique", "tilted gantry", "sagittal"])
def scan(request: pytest.FixtureRequest, tmp_path: Path) -> Volume:
    spec = {
        "plain": Spec(drawn()),
        "oblique": rotated(Spec(drawn()), 11),
        "tilted gantry": Spec(drawn(), step_mm=(0.0, 0.6, 2.5)),
        "sagittal": Spec(
            drawn((10, 7, 9)), row_direction=(0, 1, 0), column_direction=(0, 0, -1), step_mm=(-1.5, 0, 0)
        ),
    }[request.param]
    return read_volume(write_series(tmp_path / "scan", spec))


def write(path: Path, scan: Volume) -> np.ndarray:
    labels = boxes(scan.spatial_shape)
    write_labels(path, Volume(labels, scan.affine), like=scan, table=TABLE, made_by="abdomen-ct")
    return labels


def test_labels_come_back_where_they_were(tmp_path: Path, scan: Volume) -> None:
    labels = write(tmp_path / "out.dcm", scan)
    again = paste(read_labels(tmp_path / "out.dcm"), scan)
    assert is_segmentation(tmp_path / "out.dcm") and again.array.dtype == np.uint8
    np.testing.assert_array_equal(again.array, labels)


def test_numbers_names_and_colours_come_back(tmp_path: Path, scan: Volume) -> None:
    write(tmp_path / "out.dcm", scan)
    table = read_label_table(tmp_path / "out.dcm")
    assert table is not None and table.names == ("right kidney", "something new") and table.indices == (2, 4)
    for label in table.labels:
        assert np.abs(np.subtract(label.colour, TABLE.label_of(label.index).colour)).max() <= 1


def test_highdicom_reads_the_same(tmp_path: Path) -> None:
    scan = read_volume(write_series(tmp_path / "scan", rotated(Spec(drawn()), 11)))
    labels = write(tmp_path / "out.dcm", scan)
    segmentation = hd.seg.segread(tmp_path / "out.dcm")
    assert segmentation.get_segment_numbers(segment_label="right kidney") == [1]
    volume = segmentation.get_volume(combine_segments=True, allow_missing_positions=True)
    for slice_, row, column in np.argwhere(volume.array)[::7]:
        left, posterior, superior = (volume.affine @ [slice_, row, column, 1.0])[:3]
        at = tuple(scan.index_of((-left, -posterior, superior)).round().astype(int))
        assert {1: 2, 2: 4}[int(volume.array[slice_, row, column])] == labels[at]
    assert int((volume.array > 0).sum()) == int((labels > 0).sum())


def test_patient_study_and_frame_of_reference_are_the_scans(tmp_path: Path, scan: Volume) -> None:
    labels = write(tmp_path / "out.dcm", scan)
    written = pydicom.dcmread(tmp_path / "out.dcm")
    assert written.FrameOfReferenceUID == FRAME_UID and written.StudyInstanceUID == STUDY_UID
    assert written.PatientID == "P1" and written.Modality == "SEG"
    assert scan.source is not None
    slices = {image.uid for image in scan.source.images}
    named = {
        item.ReferencedSOPInstanceUID
        for frame in written.PerFrameFunctionalGroupsSequence
        for item in frame.DerivationImageSequence[0].SourceImageSequence
    }
    assert named <= slices and len(named) == len(np.unique(np.argwhere(scan.source.to_disk(labels))[:, 0]))
    (kidney, new) = written.SegmentSequence
    assert kidney.SegmentedPropertyTypeCodeSequence[0].CodeValue == codes.SCT.Kidney.value
    modifier = kidney.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert modifier.CodeValue == codes.SCT.Right.value
    assert new.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "99NAPARISCD"
    assert kidney.SegmentAlgorithmName == "abdomen-ct"


def test_enhanced_scans_have_segmentations_too(tmp_path: Path) -> None:
    legacy = pytest.importorskip("highdicom.legacy")
    folder = write_series(tmp_path / "s", Spec(drawn()))
    slices = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
    legacy.LegacyConvertedEnhancedCTImage(slices, generate_uid(), 5, generate_uid(), 1).save_as(
        tmp_path / "enhanced.dcm"
    )
    scan = read_volume(tmp_path / "enhanced.dcm")
    labels = write(tmp_path / "out.dcm", scan)
    np.testing.assert_array_equal(paste(read_labels(tmp_path / "out.dcm"), scan).array, labels)


def test_a_label_map_of_one_slice(tmp_path: Path) -> None:
    scan = read_volume(write_series(tmp_path / "scan", Spec(drawn())))
    labels = np.zeros(scan.spatial_shape, np.uint8)
    labels[4, 3, 5] = 300 % 256
    write_labels(tmp_path / "out.dcm", Volume(labels, scan.affine), like=scan)
    np.testing.assert_array_equal(paste(read_labels(tmp_path / "out.dcm"), scan).array, labels)
    table = read_label_table(tmp_path / "out.dcm")
    assert table is not None and table.names == ("label 44",)


def test_a_segmentation_that_lacks_frames_is_told() -> None:
    """pydicom ships one of a liver whose header describes more frames than it holds."""
    with pytest.raises(InputError, match="liver_1frame.dcm is truncated"):
        read_labels(SHIPPED / "liver_1frame.dcm")


def test_label_map_segmentations_are_read(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "scan", Spec(drawn()))
    scan = read_volume(folder)
    assert scan.source is not None
    labels = boxes(scan.spatial_shape)
    slices = [pydicom.dcmread(image.path) for image in scan.source.images]
    described = [
        hd.seg.SegmentDescription(
            number,
            name,
            codes.SCT.AnatomicalStructure,
            codes.SCT.Kidney,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in ((2, "kidney"), (4, "kidney"))
    ]
    hd.seg.Segmentation(
        slices, labels, hd.seg.SegmentationTypeValues.LABELMAP, described, generate_uid(), 9, generate_uid(),
        1, "maker", "model", "1", "0",
    ).save_as(tmp_path / "theirs.dcm")  # fmt: skip
    np.testing.assert_array_equal(paste(read_labels(tmp_path / "theirs.dcm"), scan).array, labels)
    table = read_label_table(tmp_path / "theirs.dcm")
    assert table is not None and table.names == ("kidney 2", "kidney 4")


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    scan = read_volume(write_series(tmp_path / "scan", Spec(drawn())))
    empty = Volume(np.zeros(scan.spatial_shape, np.uint8), scan.affine)
    with pytest.raises(InputError, match="cannot be empty"):
        write_labels(tmp_path / "out.dcm", empty, like=scan)
    write_volume(tmp_path / "scan.nii.gz", scan)
    nifti = read_volume(tmp_path / "scan.nii.gz")
    full = Volume(boxes(nifti.spatial_shape), nifti.affine)
    with pytest.raises(InputError, match="this scan is not DICOM"):
        write_labels(tmp_path / "out.dcm", full, like=nifti)
    cut = replace(scan, array=scan.array[:5], affine=scan.affine)
    with pytest.raises(InputError, match="this scan is not DICOM"):
        write_labels(tmp_path / "out.dcm", Volume(boxes((7, 12, 10))[:5], cut.affine), like=cut)
    assert not list(tmp_path.glob("*.dcm"))


def test_labels_off_the_grid_are_not_pasted(tmp_path: Path) -> None:
    scan = read_volume(write_series(tmp_path / "scan", Spec(drawn())))
    moved = scan.affine.copy()
    moved[0, 3] += 1.0
    with pytest.raises(InputError, match="do not lie on the scan's"):
        paste(Volume(boxes(scan.spatial_shape), moved), scan)


def test_codes_are_those_of_the_standard() -> None:
    """Every code and its meaning, against pydicom's copy of the standard's tables."""
    known = {
        (code.value, code.meaning.casefold())
        for name in codes.SCT.dir()
        for code in [getattr(codes.SCT, name)]
        if code is not None
    }
    for code in (*_STRUCTURES.values(), *_MODIFIERS.values(), ANATOMICAL_STRUCTURE):
        assert (code.value, code.meaning.casefold()) in known, code


@pytest.mark.parametrize(
    ("name", "meaning", "modifiers"),
    [
        ("liver", "Liver", ()),
        ("Left adrenal gland", "Adrenal gland", ("Left",)),
        ("anterior hippocampus", "Hippocampus", ("Anterior",)),
        ("right_kidney", "Kidney", ("Right",)),
        ("4th ventricle", "Fourth Ventricle", ()),
    ],
)
def test_names_are_understood(name: str, meaning: str, modifiers: tuple[str, ...]) -> None:
    coded = code_of(name)
    assert coded is not None and coded.structure.meaning == meaning
    assert tuple(code.meaning for code in coded.modifiers) == modifiers


def test_the_shipped_models_structures_are_coded() -> None:
    from napari_scd.checkpoints import list_models

    known = [card for card in list_models() if card.shipped and card.recipe.field != "prompt"]
    names = {name for card in known for name in card.labels.names}
    assert {name for name in names if code_of(name) is None} <= {"left ventral DC", "right ventral DC"}
