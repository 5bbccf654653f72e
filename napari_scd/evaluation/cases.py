"""Cases with ground truth: which files belong together, and whether they match."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.plain import from_json
from napari_scd.volume import READABLE, LeftOut, Why, read_labels, read_volume, stem_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_scd.volume import Volume

AFFINE_TOLERANCE_VOX = 0.1


class CaseFiles(NamedTuple):
    """One case by name: an image and its label map."""

    name: str
    image: Path
    label: Path


class CaseList(NamedTuple):
    """Cases by name, which of them a data list calls validation cases, and what was found beside them."""

    cases: dict[str, CaseFiles]
    validation: tuple[str, ...]
    unused: tuple[LeftOut, ...] = ()


def find_cases(
    *, dataset: str | Path | None = None, images: str | Path | None = None, labels: str | Path | None = None
) -> CaseList:
    """List the cases of a Decathlon ``dataset.json``, or of two folders.

    In folders a label has its image's name. Two other conventions are understood: ``case_0000`` with the
    label ``case`` (nnU-Net) and ``img0001`` with the label ``label0001`` (BTCV).

    Raises
    ------
    InputError
        A missing file or folder, an image without label, two files of one name.
    """
    if dataset is not None:
        return _from_datalist(Path(dataset))
    if images is None or labels is None:
        raise InputError("Cases are found by a 'dataset' file, or by both an 'images' and a 'labels' folder.")
    cases = _from_folders(Path(images), Path(labels))
    return CaseList(cases, (), tuple(_unused(cases, Path(images), Path(labels))))


def read_pair(files: CaseFiles, n_channels: int = 1) -> tuple[Volume, Volume]:
    """Read image and label map of a case, which must lie on one grid.

    Returns
    -------
    Image ``(z, y, x)`` or ``(c, z, y, x)`` with finite voxels only, and integer labels ``(z, y, x)``.

    Raises
    ------
    InputError
        A file cannot be read, the two differ in shape or place, or voxels are not finite; the file is named.
    """
    image = read_volume(files.image, channels=n_channels if n_channels > 1 else None)
    label = read_labels(files.label)
    if image.spatial_shape != label.spatial_shape:
        raise InputError(
            f"{files.label} has {_by(label.spatial_shape)} voxels but its image {files.image.name} has "
            f"{_by(image.spatial_shape)}: label and image must lie on one grid."
        )
    if not image.same_grid(label, tolerance_vox=AFFINE_TOLERANCE_VOX):
        raise InputError(
            f"{files.label} lies elsewhere than its image {files.image.name} (their affines differ): "
            "resample one onto the other's grid first."
        )
    if image.array.dtype.kind == "f" and not np.isfinite(image.array).all():
        bad = int(np.count_nonzero(~np.isfinite(image.array)))
        raise InputError(f"{files.image} holds {bad} voxels that are NaN or infinite: replace them first.")
    return image, label


def names_beside(labels: Path) -> dict[int, str]:
    """Names of label values from a ``labels.json`` beside a folder of label maps; empty without a usable one.

    The file maps names to values, such as ``{"liver": 6}``.
    """
    file = labels.absolute().parent / "labels.json"
    try:
        entries = from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(entries, dict):
        return {}
    return {value: str(name) for name, value in entries.items() if type(value) is int}


def _from_folders(images: Path, labels: Path) -> dict[str, CaseFiles]:
    label_of = _by_stem(labels)
    cases: dict[str, CaseFiles] = {}
    for name, image in _by_stem(images).items():
        known = (name, name.removesuffix("_0000"), name.replace("img", "label", 1))
        label = next((label_of[candidate] for candidate in known if candidate in label_of), None)
        if label is None:
            raise InputError(f"{image} has no label of the same name in {labels}.")
        case = name.removesuffix("_0000")
        if case in cases:
            raise InputError(
                f"{images} holds both {cases[case].image.name} and {image.name}: keep one of them."
            )
        cases[case] = CaseFiles(case, image, label)
    if not cases:
        raise InputError(f"The folder {images} holds no NIfTI or MGH image.")
    return cases


def _unused(cases: dict[str, CaseFiles], images: Path, labels: Path) -> Iterator[LeftOut]:
    """Yield what lies in the two folders and belongs to no case; hidden files and notes do not count."""
    used = {path for case in cases.values() for path in (case.image, case.label)}
    for path in sorted(images.iterdir()):
        if path in used or path.name.startswith(".") or _second_half(path):
            continue
        if path.is_dir():
            yield LeftOut(path, Why.FOLDER)
        elif images != labels or case_name(path):
            yield LeftOut(path, Why.NOT_AN_IMAGE)
    for path in sorted(labels.iterdir() if images != labels else ()):
        if path not in used and case_name(path):
            yield LeftOut(path, Why.NO_PARTNER)


def _second_half(path: Path) -> bool:
    """Tell whether a file is the .img of an .hdr beside it."""
    head, found, tail = path.name.lower().rpartition(".img")
    return bool(found) and (path.parent / f"{path.name[: len(head)]}.hdr{tail}").exists()


def _from_datalist(file: Path) -> CaseList:
    try:
        sections: Any = from_json(file.read_text(encoding="utf-8"))
        training = [_entry(file.parent, entry) for entry in sections["training"]]
        listed = sections.get("validation", [])
        validation = [_entry(file.parent, entry) for entry in listed if isinstance(entry, dict)]
    except OSError as error:
        raise InputError(f"The data list {file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is not a Decathlon data list: it needs 'training' with 'image' and 'label' in each "
            "entry."
        ) from error
    cases: dict[str, CaseFiles] = {}
    for case in (*training, *validation):
        for path in (case.image, case.label):
            if not os.path.isfile(path):  # Path's own raises for names that are too long
                raise InputError(f"The data list {file} names {path}, which does not exist.")
        if case.name in cases:
            raise InputError(f"The data list {file} names the case '{case.name}' twice.")
        cases[case.name] = case
    return CaseList(cases, tuple(case.name for case in validation))


def _entry(folder: Path, entry: dict[str, str]) -> CaseFiles:
    image, label = folder / entry["image"], folder / entry["label"]
    return CaseFiles(case_name(image) or image.name, image, label)


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist.")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = case_name(path)
        if not name:
            continue
        if name in files:
            raise InputError(f"{folder} holds both {files[name].name} and {path.name}: keep one of them.")
        files[name] = path
    return files


def case_name(path: Path) -> str:
    """Name of the case that a file holds; empty for hidden files and files of other kinds."""
    name = path.name.lower()
    skipped = name.startswith(".") or not name.endswith(READABLE) or name.endswith((".img", ".img.gz"))
    return "" if skipped else stem_of(path)


def _by(shape: Sequence[int]) -> str:
    return "x".join(str(edge) for edge in shape)
