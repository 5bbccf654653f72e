"""Training files and data lists: each entry makes one in a folder that holds `images` and `labels`."""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml  # type: ignore[import-untyped]

from napari_scd.volume import Volume, read_labels, read_volume, write_labels, write_volume

from ..tiny import TRAINING
from .entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def text(folder: Path, raw: str | bytes) -> Path:
    file = folder / "train.yaml"
    file.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return file


def changed(path: str, value: Any) -> Callable[[Path], Path]:
    """Set one entry, named by its way from the top; None takes it out."""

    def make(folder: Path) -> Path:
        values = copy.deepcopy(TRAINING)
        *way, last = path.split(".")
        section = values
        for key in way:
            section = section.setdefault(key, {})
        if value is None:
            section.pop(last, None)
        else:
            section[last] = value
        return text(folder, yaml.safe_dump(values))

    return make


def listed(value: Any) -> Callable[[Path], Path]:
    """Train from a data list with these contents."""

    def make(folder: Path) -> Path:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        (folder / "dataset.json").write_bytes(raw)
        return changed("data", {"dataset": "dataset.json"})(folder)

    return make


def case(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"image": f"images/case{number}.nii.gz", "label": f"labels/case{number}.nii.gz", **more}


def label_map(change: Callable[[Volume], Volume]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = folder / "labels" / "case1.nii.gz"
        write_labels(file, change(read_labels(file)))
        return changed("name", "tiny")(folder)

    return make


def image(change: Callable[[Volume], Volume]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = folder / "images" / "case1.nii.gz"
        write_volume(file, change(read_volume(file)))
        return changed("name", "tiny")(folder)

    return make


def without(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).unlink()
        return changed("name", "tiny")(folder)

    return make


def with_nan(volume: Volume) -> Volume:
    array = volume.array.astype(np.float32)
    array[0, 0, 0] = np.nan
    return Volume(array, volume.affine)


def moved(volume: Volume) -> Volume:
    affine = volume.affine.copy()
    affine[0, 3] += 50
    return Volume(volume.array, affine)


FILES = [
    Entry("a missing training file", "no training file|cannot be read|No such|no preset", lambda folder: folder / "none.yaml"),
    Entry("an empty training file", "must hold", partial(text, raw="")),
    Entry("a list", "must hold", partial(text, raw="- a\n- b\n")),
    Entry("broken YAML", "not valid YAML", partial(text, raw="a: [1, 2\nb: 3\n")),
    Entry("tabs", "not valid YAML", partial(text, raw="data:\n\timages: x\n")),
    Entry("not UTF-8", "not valid YAML", partial(text, raw=b"name: \xff\xfe\n")),
    Entry("YAML that names a Python function", "not valid YAML", partial(text, raw="name: !!python/object/apply:os.mkdir [ran]\n")),
    Entry("an invalid date", "not valid YAML", partial(text, raw="name: 2020-99-99\n")),
    Entry("a number with 5000 digits", "not valid YAML", partial(text, raw="name: tiny\nsteps: " + "9" * 5000 + "\n")),
    Entry("lists 5000 deep", "not valid YAML", partial(text, raw="name: " + "[" * 5000 + "]" * 5000 + "\n")),
    Entry("aliases that expand to 10^9 values", "not valid YAML", partial(text, raw=LAUGHS)),
    Entry("an alias of itself", "not valid YAML", partial(text, raw="name: &a [*a]\n")),
    Entry("no name", "'name:'", changed("name", None)),
    Entry("a name with folders in it", "letters", changed("name", "../../evil")),
    Entry("no labels", "'labels:'", changed("labels", None)),
    Entry("labels that are a number", "list the structures", changed("labels", 3)),
    Entry("a duplicate label", "appears twice", changed("labels", ["liver", "liver"])),
    Entry("a label with values that are not a list", "must be a list", changed("labels", [{"name": "liver", "values": 3}, "spleen"])),
    Entry("a label value of 300", "from 1 to 255", changed("labels", [{"name": "liver", "values": [300]}, {"name": "spleen", "values": [2]}])),
    Entry("an unknown entry", "unknown entry 'stepz'", changed("stepz", 3)),
    Entry("an unknown section entry", "unknown entry 'rotation'", changed("warp.rotation", 3)),
    Entry("a section that is a number", "'key: value'", changed("loss", 3)),
    Entry("steps in words", "whole number", changed("steps", "many")),
    Entry("no steps", "'steps'", changed("steps", 0)),
    Entry("an absurd number of steps", "'steps'", changed("steps", 10**30)),
    Entry("a fractional batch", "whole number", changed("batch", 1.5)),
    Entry("an absurd batch", "'batch'", changed("batch", 10**9)),
    Entry("a learning rate given as text", "1.0e-3", changed("lr", "1e-3")),
    Entry("a negative learning rate", "'lr'", changed("lr", -0.1)),
    Entry("learning rate NaN", "'lr'", changed("lr", float("nan"))),
    Entry("learning rate infinite", "'lr'", changed("lr", float("inf"))),
    Entry("an average of 1.5", "'ema'", changed("ema", 1.5)),
    Entry("a negative warm-up", "'warmup'", changed("warmup", -5)),
    Entry("weight decay NaN", "'weight_decay'", changed("weight_decay", float("nan"))),
    Entry("a foreground share of 3", "'foreground_share'", changed("foreground_share", 3.0)),
    Entry("a negative seed", "'seed'", changed("seed", -1)),
    Entry("a reversed keep range", "low", changed("keep", {"low": 0.9, "high": 0.2})),
    Entry("validation at keep 2", "0.05 to 1", changed("validate_keep", [2.0])),
    Entry("class weights for other classes", "3 numbers", changed("loss.class_weights", [1.0])),
    Entry("flips of a fourth axis", "array axes", changed("warp.flip_axes", [3])),
    Entry("an unknown preset", "no preset", changed("model.preset", "house-9")),
    Entry("a preset that is a list", "no preset", changed("model.preset", ["house-8"])),
    Entry("a network without blocks", "depth", changed("model.depth", 0)),
    Entry("an unknown network entry", "unknown entry", changed("model.layers", 3)),
    Entry("a window without a patch", "patch", changed("model.roi", [15, 16, 16])),
    Entry("no modality", "modality", changed("recipe.modality", None)),
    Entry("a voxel size for two axes", "spacing_mm", changed("recipe.spacing_mm", [1, 1])),
    Entry("a holdout that leaves nothing", "No training cases|holdout", changed("data.holdout", 99)),
    Entry("a negative holdout", "'holdout'", changed("data.holdout", -1)),
    Entry("negative memory", "'memory_gb'", changed("data.memory_gb", -2.0)),
    Entry("a missing images folder", "does not exist", changed("data.images", "none")),
    Entry("a folder with a NUL in its name", "does not exist", changed("data.images", "a\0b")),
    Entry("a missing case", "not among the", changed("data.validation", ["case77"])),
    Entry("a case with two roles", "two roles", changed("data", {**TRAINING["data"], "training": ["case0"], "test": ["case0"]})),
    Entry("an image without a label", "no label of the same name", without("labels/case1.nii.gz")),
    Entry("a label map in another place", "lies elsewhere", label_map(moved)),
    Entry("a label map of another shape", "must lie on one grid", label_map(lambda v: Volume(v.array[1:], v.affine))),
    Entry("an undeclared label value", "label value 9", label_map(lambda v: v.with_array(np.where(v.array == 1, 9, v.array)))),
    Entry("an image with NaN", "NaN or infinite", image(with_nan)),
]  # fmt: skip

LISTS = [
    Entry("a missing data list", "cannot be read", changed("data", {"dataset": "none.json"})),
    Entry("a data list that is not JSON", "not a Decathlon data list", listed(b"training: []")),
    Entry("a data list nested 9999 deep", "not a Decathlon data list", listed(b"[" * 9999)),
    Entry("a data list that is a list", "not a Decathlon data list", listed([case()])),
    Entry("a data list without training", "not a Decathlon data list", listed({"test": []})),
    Entry("an entry without label", "not a Decathlon data list", listed({"training": [{"image": "images/case0.nii.gz"}]})),
    Entry("an entry that is a path", "not a Decathlon data list", listed({"training": ["images/case0.nii.gz"]})),
    Entry("an entry whose image is a number", "not a Decathlon data list", listed({"training": [case() | {"image": 3}]})),
    Entry("an entry that does not exist", "does not exist", listed({"training": [case(), case(77)]})),
    Entry("a path of 5000 letters", "does not exist", listed({"training": [case() | {"image": "a" * 5000}]})),
    Entry("a path with a NUL", "does not exist", listed({"training": [case() | {"image": "a\0b.nii.gz"}]})),
    Entry("a duplicate case", "twice", listed({"training": [case(), case()]})),
    Entry("an empty list", "No training cases", listed({"training": []})),
]  # fmt: skip

ENTRIES = [*FILES, *LISTS]
