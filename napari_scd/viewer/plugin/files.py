"""What napari calls for files: reader, writers and samples; thin functions over `volume`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine import guess_modality, n_stages_of
from napari_scd.errors import InputError
from napari_scd.viewer.layers import (
    colour_table,
    label_colours,
    layer_matrix,
    record_in,
    spatial_part,
    token_colours,
)
from napari_scd.viewer.plugin.dicom_dialog import read_dicom
from napari_scd.volume import (
    READABLE,
    LabelTable,
    Volume,
    Why,
    gather_slices,
    is_dicom,
    is_segmentation,
    load_icbm152,
    load_phantom,
    open_image,
    ras_from_spl,
    read_label_table,
    read_labels,
    read_volume,
    stem_of,
    write_labels,
    write_volume,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.layers import LayerTuple
    from napari_scd.volume import GivenScan, Source

CT_WINDOW = (-160.0, 240.0)  # soft tissue, in HU


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerTuple]] | None:
    """Return the reader when every path has an ending we read or is DICOM, or several are; else None."""
    paths = [path] if isinstance(path, str) else list(path)
    dicom = [is_dicom(one) for one in paths]
    readable = all(
        is_slice or str(one).lower().endswith(READABLE) for one, is_slice in zip(paths, dicom, strict=True)
    )
    several_slices = sum(dicom) > 1  # other files of their folder may have been dropped with them
    return read_layers if paths and (readable or several_slices) else None


def read_layers(path: str | Sequence[str]) -> list[LayerTuple]:
    """Read one layer per file, DICOM folder or series of slices: Labels where it is a label map, else Image.

    Raises
    ------
    InputError
        If a file cannot be read; napari shows its sentence.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return [layer for scan in gather_slices(list(map(Path, paths))) for layer in _read_one(scan)]


def _read_one(scan: GivenScan) -> list[Any]:
    """Return the layers of a scan; napari takes ``(None,)`` for "nothing to open, nothing wrong"."""
    path = scan.source
    if is_segmentation(path):
        return [labels_of(read_labels(path), stem_of(path), read_label_table(path))]
    if not is_dicom(path):
        return [_read_image(path)]
    volume = read_dicom(scan)
    return [(None,)] if volume is None else [image_of(volume, volume.source.name if volume.source else "")]


def _read_image(path: Path) -> LayerTuple:
    image = open_image(path)
    n_frames = int(np.prod(image.shape[3:])) if len(image.shape) > 3 else 1
    name = stem_of(path)
    if n_frames == 1 and _says_labels(image):
        return labels_of(read_labels(path), name, read_label_table(path))
    volume = read_volume(path, channels=n_frames) if n_frames > 1 else read_volume(path)
    return image_of(volume, name)


def image_of(volume: Volume, name: str) -> LayerTuple:
    """Return an Image layer, shown as (z, y, x) with z to Superior, y to Posterior, x to Left, in mm."""
    keywords = placed(volume, name) | {"colormap": "gray", "contrast_limits": contrast_limits(volume.array)}
    return volume.array, keywords, "image"


def labels_of(volume: Volume, name: str, table: LabelTable | None) -> LayerTuple:
    """Return a Labels layer in the table's colours; a token map veils what was pruned."""
    keywords = placed(volume, name)
    if table is not None:
        keywords |= {
            "colormap": colour_table(label_colours(table)),
            "features": {"index": list(table.indices), "name": list(table.names)},
        }
        keywords["metadata"]["scd_labels"] = table.to_list()
        n_stages = n_stages_of(table)
        if n_stages:
            keywords |= {"colormap": colour_table(token_colours("dim", n_stages)), "opacity": 1.0}
            keywords["metadata"]["scd_tokens"] = n_stages
    return volume.array, keywords, "labels"


def placed(volume: Volume, name: str) -> dict[str, Any]:
    """Return layer keywords for a volume read by us: positive scale, translate in mm, and where it came from.

    Small rotations of oblique scans stay out of the display: the middle of the scan is where it is in the
    patient, the axes are straight. The true geometry is kept in ``metadata["scd_source"]`` for exact export.
    """
    scale = np.asarray(volume.spacing_mm)
    middle = (np.asarray(volume.spatial_shape) - 1) / 2
    translate = volume.affine[:3, :3] @ middle + volume.affine[:3, 3] - scale * middle
    n_leading = volume.array.ndim - 3
    return {
        "name": name,
        "scale": (*(1.0,) * n_leading, *scale),
        "translate": (*(0.0,) * n_leading, *translate),
        "units": (*("pixel",) * n_leading, "mm", "mm", "mm"),
        "axis_labels": (*("t",) * n_leading, "z", "y", "x"),
        "metadata": {"scd_source": source_record(volume)},
    }


def source_record(volume: Volume) -> dict[str, Any]:
    """Return where a volume came from, as JSON values."""
    source = volume.source
    path = source.path if source is not None else None
    return {
        "name": source.name if source is not None else "",
        "path": str(path.resolve()) if path is not None else None,
        "slices": _slices_of(source) if source is not None else [],
        "shape": list(volume.spatial_shape),
        "frames": volume.n_channels,
        "affine_spl": volume.affine.tolist(),
        "affine_ras": ras_from_spl(volume.affine).tolist(),
        "oriented": source is None or source.oriented,
        "warnings": list(volume.warnings),
    }


def _slices_of(source: Source) -> list[str]:
    """Return the files of a DICOM series where one of them does not lead to all others."""
    files = sorted({image.path.resolve() for image in source.images})
    alone = len({file.parent for file in files}) == 1
    given = all(one.why is not Why.NOT_GIVEN for one in source.left_out)
    return [] if alone and given else [str(file) for file in files]


def contrast_limits(array: np.ndarray) -> tuple[float, float]:
    """Return limits that show anatomy: soft tissue for CT, the middle 98.5 % of what is there otherwise."""
    step = max(1, round((array.size / 2e6) ** (1 / 3)))
    sample = array[..., ::step, ::step, ::step].astype(np.float32).reshape(-1)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return 0.0, 1.0
    if guess_modality(sample.reshape(1, 1, -1)) == "CT":
        return CT_WINDOW
    inside = sample[sample > sample.min()]
    low, high = np.percentile(inside, (1, 99.5)).tolist() if inside.size else (0.0, 1.0)
    low = min(low, float(np.percentile(sample, 1)))
    return (low, high) if high > low else (low, low + 1.0)


def write_labels_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save a Labels layer, exactly on its source's grid if we know it."""
    array, frame = _single_frame(np.asarray(data))
    like = grid_of(array.shape, attributes, "labels", frame)
    write_labels(path, Volume(array, like.affine), like=like, table=_table_of(attributes))
    return [path]


def write_image_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save an Image layer; leading axes become the file's fourth axis."""
    array = np.asarray(data)
    array = array.reshape(array.shape[-3:]) if array.size == np.prod(array.shape[-3:]) else array
    like = grid_of(array.shape[-3:], attributes, "image", 0)
    write_volume(path, Volume(array, like.affine), like=like)
    return [path]


def grid_of(shape: Sequence[int], attributes: dict[str, Any], kind: str, frame: int) -> Volume:
    """Return the grid a layer lies on: its source file's where that is still there, else the layer's own.

    Parameters
    ----------
    shape
        (z, y, x) of the layer.
    attributes
        Layer keywords, as napari hands them to writers.
    kind
        "labels" or "image".
    frame
        Index into the leading axes.
    """
    record = record_in(attributes.get("metadata"))
    if record is not None and tuple(record["shape"]) == tuple(shape):
        return source_grid(record)
    from napari.layers import Layer

    whole = np.asarray(attributes.get("scale", shape)).size
    empty = np.broadcast_to(np.zeros(1, np.uint8), (*(1,) * (whole - 3), *shape))
    names = ("scale", "translate", "rotate", "shear", "affine")
    place = {name: attributes[name] for name in names if name in attributes}
    matrix = layer_matrix(Layer.create(empty, place, "image"))
    return Volume(
        np.broadcast_to(empty, shape) if whole == 3 else empty.reshape(shape),
        spatial_part(matrix, (0,) * (whole - 3)),
    )


def source_grid(record: dict[str, Any]) -> Volume:
    """Return the grid of a source file, with its header where the file is still the one that was read."""
    shape, affine = tuple(record["shape"]), np.asarray(record["affine_spl"], float)
    path = record.get("path")
    if path and Path(path).exists():
        slices = record.get("slices")
        files = [str(file) for file in slices] if isinstance(slices, list) else []
        try:
            volume = read_volume(files or path, frame=0 if record.get("frames", 1) > 1 else None)
        except InputError:
            volume = None
        if (
            volume is not None
            and volume.spatial_shape == shape
            and np.allclose(volume.affine, affine, atol=1e-4)
        ):
            return volume
    return Volume(np.broadcast_to(np.zeros(1, np.uint8), shape), affine)


def _single_frame(array: np.ndarray) -> tuple[np.ndarray, int]:
    if array.ndim == 3:
        return array, 0
    frames = array.reshape(-1, *array.shape[-3:])
    used = [i for i, frame in enumerate(frames) if frame.any()]
    if len(used) > 1:
        raise InputError(
            f"{len(used)} frames hold labels, but a label file has one: save them one at a time."
        )
    frame = used[0] if used else 0
    return frames[frame], frame


def _table_of(attributes: dict[str, Any]) -> LabelTable | None:
    metadata = attributes.get("metadata") or {}
    entries = metadata.get("scd_labels") or (metadata.get("scd") or {}).get("labels")
    return LabelTable.from_list(entries) if entries else None


def _says_labels(image: Any) -> bool:
    get_intent = getattr(image.header, "get_intent", None)
    return get_intent is not None and get_intent()[0] == "label"


def sample_icbm152() -> list[LayerTuple]:
    """Open the ICBM152 T1 template that nilearn ships."""
    return [image_of(load_icbm152(), "ICBM152 T1")]


def sample_phantom() -> list[LayerTuple]:
    """Open the synthetic phantom and, hidden, its true labels."""
    image, truth, table = load_phantom()
    data, keywords, kind = labels_of(truth, "phantom truth", table)
    return [image_of(image, "phantom MR"), (data, keywords | {"visible": False}, kind)]
