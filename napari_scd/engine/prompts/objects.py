"""Several objects of one scan, each with its prompts: as JSON that a person can read and write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine.prompts.errors import OtherScan, PromptError
from napari_scd.engine.prompts.previous import PreviousMask
from napari_scd.engine.prompts.prompts import Prompt, Prompts
from napari_scd.plain import from_json
from napari_scd.volume import Volume, read_labels, reorient

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = ("mm", "voxel")
_KNOWN = {"name", "label", "prompts", "previous", "refine"}
_LARGEST_LABEL = 65535
_DECIMALS = 4


@dataclass(frozen=True)
class PromptedObject:
    """One object: what it is called, the id of its voxels in a label map, and its prompts.

    Raises
    ------
    PromptError
        If the name is empty or the label is not a whole number from 1 to 65535.
    """

    name: str
    label: int
    prompts: Prompts

    def __post_init__(self) -> None:
        """Check name and label."""
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise PromptError(f"An object needs a name, not {self.name!r}.")
        is_number = isinstance(self.label, int) and not isinstance(self.label, bool)
        if not is_number or not 1 <= self.label <= _LARGEST_LABEL:
            raise PromptError(
                f"The label of '{self.name}' must be a whole number from 1 to {_LARGEST_LABEL}, not "
                f"{self.label!r}."
            )


def objects_to_dict(
    objects: Sequence[PromptedObject], volume: Volume, *, with_masks: bool = True
) -> dict[str, Any]:
    """Return objects of a scan as JSON values: places in (R, A, S) mm, and the grid they were given on.

    Parameters
    ----------
    objects : sequence of PromptedObject
    volume : Volume
        The scan.
    with_masks : bool
        Write previous masks too; otherwise only their number of voxels.

    Examples
    --------
    ::

        {"unit": "mm",
         "grid": {"shape": [86, 257, 257], "affine": [[3.0, 0.0, 0.0, -120.0], ...]},
         "objects": [{"name": "left kidney", "label": 1, "prompts": [
                {"kind": "include", "points": [[-62.0, -10.5, 120.0]]},
                {"kind": "exclude", "points": [[-50.0, -10.5, 120.0]]}]}]}
    """
    grid = {"shape": list(volume.spatial_shape), "affine": np.asarray(volume.affine).tolist()}
    return {"unit": "mm", "grid": grid, "objects": [_to_dict(one, volume, with_masks) for one in objects]}


def objects_from_dict(
    values: Any, volume: Volume, *, folder: Path | None = None
) -> tuple[PromptedObject, ...]:
    """Read what `objects_to_dict` returned or a person wrote.

    Parameters
    ----------
    values : dict
        ``unit`` is "mm" (R, A, S; the default) or "voxel" (z, y, x of the scan's array). Each of ``objects``
        has ``prompts``, and may have ``name``, ``label``, and a mask to start from: ``refine`` with ``file``
        and ``label``, or ``previous`` as it was exported. ``grid`` is that of the scan they were given on:
        ``shape`` (z, y, x), and ``affine`` from voxel index to (S, P, L) mm. Other entries beside
        ``objects`` are ignored.
    volume : Volume
        The scan.
    folder : Path, optional
        Folder that relative paths in ``refine`` start from.

    Raises
    ------
    OtherScan
        If its ``grid`` is not the volume's, whatever the order and direction of the axes.
    InputError
        If it holds no objects, or one of them cannot be used; the object is named.
    """
    if not isinstance(values, dict) or not isinstance(values.get("objects"), list) or not values["objects"]:
        raise PromptError("There are no objects: give a list 'objects', each with 'prompts'.")
    unit = values.get("unit", "mm")
    if unit not in _UNITS:
        raise PromptError(f"The unit must be one of {', '.join(_UNITS)}, not {unit!r}.")
    _check_grid(values.get("grid"), volume)
    objects: list[PromptedObject] = []
    for number, entry in enumerate(values["objects"], start=1):
        name = entry.get("name", f"object {number}") if isinstance(entry, dict) else f"object {number}"
        try:
            objects.append(_from_dict(entry, name, number, volume, unit, folder))
        except PromptError as error:
            raise error.reworded(f"Object '{name}': {error}") from error
    _check_once("name", [one.name.casefold() for one in objects])
    _check_once("label", [one.label for one in objects])
    return tuple(objects)


def read_objects(path: Path, volume: Volume) -> tuple[PromptedObject, ...]:
    """Read a JSON file of objects, as `objects_from_dict` takes them.

    Raises
    ------
    InputError
        If it cannot be read, is not JSON or holds no objects.
    """
    try:
        values = from_json(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise PromptError(f"There is no prompts file {path}.") from error
    except (OSError, ValueError) as error:  # includes text that is not UTF-8
        said = " ".join(str(error).split())
        raise PromptError(f"The prompts file {path} cannot be read ({said}).") from error
    return objects_from_dict(values, volume, folder=path.parent)


def write_objects(path: Path, objects: Sequence[PromptedObject], volume: Volume) -> None:
    """Write objects as JSON that `read_objects` reads."""
    path.write_text(json.dumps(objects_to_dict(objects, volume), indent=1) + "\n", encoding="utf-8")


def _to_dict(one: PromptedObject, volume: Volume, with_masks: bool) -> dict[str, Any]:
    prompts = []
    for step in one.prompts.steps:
        places = [np.round(volume.ras_mm_of(voxel), _DECIMALS).tolist() for voxel in step.voxels]
        prompts.append({"kind": step.kind, "points": places})
    values: dict[str, Any] = {"name": one.name, "label": one.label, "prompts": prompts}
    previous = one.prompts.previous
    if previous is not None:
        values["previous"] = previous.to_dict() if with_masks else {"voxels": previous.n_voxels}
    return values


def _from_dict(
    entry: Any, name: Any, number: int, volume: Volume, unit: str, folder: Path | None
) -> PromptedObject:
    if not isinstance(entry, dict) or not isinstance(entry.get("prompts"), list):
        raise PromptError("it has no list of 'prompts'.")
    unknown = sorted(str(key) for key in set(entry) - _KNOWN)
    if unknown:
        raise PromptError(f"it has an unknown entry '{unknown[0]}'.")
    steps = []
    for prompt in entry["prompts"]:
        try:
            kind, points = prompt["kind"], [_voxel(point, volume, unit) for point in prompt["points"]]
        except (KeyError, TypeError, ValueError) as error:
            raise PromptError("a prompt needs a 'kind' and 'points' of three numbers each.") from error
        steps.append(Prompt(kind, tuple(points)))
    return PromptedObject(name, entry.get("label", number), Prompts(tuple(steps), _previous(entry, folder)))


def _check_grid(values: Any, volume: Volume) -> None:
    if values is None:
        return
    try:
        z, y, x = (int(n) for n in values["shape"])
        grid = Volume(np.broadcast_to(np.zeros((), bool), (z, y, x)), np.asarray(values["affine"], float))
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # an InputError is a ValueError
        raise PromptError(
            "The 'grid' of the prompts cannot be read: export them again, or remove it."
        ) from error
    if not reorient(grid)[0].same_grid(reorient(volume)[0]):
        raise OtherScan((z, y, x), volume.spatial_shape)


def _voxel(point: Any, volume: Volume, unit: str) -> Any:
    z, y, x = (float(number) for number in point)
    return volume.index_of((z, y, x)).tolist() if unit == "mm" else (z, y, x)


def _previous(entry: dict[str, Any], folder: Path | None) -> PreviousMask | None:
    if entry.get("previous") is not None:
        return PreviousMask.from_dict(entry["previous"])
    refine = entry.get("refine")
    if refine is None:
        return None
    if not isinstance(refine, dict) or not isinstance(refine.get("file"), str):
        raise PromptError("'refine' needs a 'file' and a 'label'.")
    return PreviousMask.of(read_labels((folder or Path()) / refine["file"]), refine.get("label"))


def _check_once(what: str, values: Sequence[object]) -> None:
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise PromptError(f"Two objects have the {what} {twice[0]!r}: give each its own.")
