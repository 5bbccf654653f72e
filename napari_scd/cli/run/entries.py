"""Small JSON and YAML files that go with a command: a recipe, a label table, sizes of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.plain import from_json, from_yaml
from napari_scd.volume import LabelTable

if TYPE_CHECKING:
    from pathlib import Path


def read_mapping(path: Path, what: str) -> dict[str, Any]:
    """Read a file that holds names and values.

    Raises
    ------
    InputError
        When it cannot be read or holds something else; `what` says what it was for.
    """
    value = read_entries(path, what)
    if not isinstance(value, dict):
        raise InputError(f"The {what} file {path} has no names and values: write it like {{name: value}}.")
    return value


def read_entries(path: Path, what: str) -> Any:
    """Read a JSON or YAML file.

    Raises
    ------
    InputError
        When it is missing, unreadable or neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"There is no {what} file {path}: give a JSON or YAML file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The {what} file {path} cannot be read: give a JSON or YAML file.") from error
    try:
        return from_json(text) if path.suffix.lower() == ".json" else from_yaml(text)
    except ValueError as error:
        said = " ".join(str(error).split())
        raise InputError(f"The {what} file {path} is not valid ({said}): correct it.") from error


def read_table(path: Path) -> LabelTable:
    """Read a label table.

    Accepted are the list that a model file holds (colours may be left out), a list of names for the labels 1,
    2 and so on, names by number or numbers by name (alone or under ``labels``, as in a ``dataset.json``;
    0 is background), and an ITK-SNAP label file (``.txt`` or ``.label``).

    Raises
    ------
    InputError
        When it is none of these.
    """
    if path.suffix.lower() in (".txt", ".label"):
        try:
            return LabelTable.from_itksnap(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The label file {path} cannot be read: check it.") from error
    value = read_entries(path, "label")
    if isinstance(value, dict):
        value = value.get("labels", value)
    if isinstance(value, dict):
        return LabelTable.from_names(_by_number(value, path))
    if not isinstance(value, list) or not value:
        raise InputError(f"The label file {path} has no labels: list their names, or map numbers to names.")
    if all(isinstance(entry, str) for entry in value):
        return LabelTable.from_names(value)
    return LabelTable.from_list(_coloured(value, path))


def _by_number(values: dict[Any, Any], path: Path) -> dict[int, str]:
    numbered: dict[int, str] = {}
    for key, value in values.items():
        pair = (key, value) if _is_number(key) else (value, key)
        if not _is_number(pair[0]) or not isinstance(pair[1], str):
            raise InputError(
                f"The label file {path} maps '{key}' to '{value}': map whole numbers to names, or names to "
                "numbers."
            )
        numbered[int(pair[0])] = pair[1]
    return {number: name for number, name in sorted(numbered.items()) if number != 0}


def _coloured(entries: list[Any], path: Path) -> list[dict[str, Any]]:
    """Give entries without a colour one that differs from the others."""
    if not all(isinstance(entry, dict) and {"index", "name"} <= set(entry) for entry in entries):
        raise InputError(f"The label file {path} has an entry without index and name: give it both.")
    palette = LabelTable.from_names([str(rank) for rank in range(len(entries))]).labels
    return [{"colour": fresh.colour, **entry} for fresh, entry in zip(palette, entries, strict=True)]


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().isdecimal() and len(value) < 12
    return isinstance(value, int) and not isinstance(value, bool)
