"""A training file, YAML -> `TrainConfig`: every unknown or ill-typed entry is named."""

from __future__ import annotations

import os
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from napari_scd.errors import InputError
from napari_scd.model import PRESETS, PROMPT_CHANNELS, ModelConfig
from napari_scd.plain import from_yaml
from napari_scd.training.config.config import TrainConfig, section_types
from napari_scd.training.config.problems import problems
from napari_scd.training.config.sections import DataConfig
from napari_scd.volume import LabelTable, Recipe


class Base(NamedTuple):
    """What a training file may leave out when it starts from a trained model: plain values of its card."""

    model: dict[str, Any]
    recipe: dict[str, Any]
    labels: list[dict[str, Any]]


def read_config(
    path: str | Path,
    *,
    data: dict[str, str] | None = None,
    base: Base | None = None,
    root: str | Path | None = None,
) -> TrainConfig:
    """Read a YAML training file.

    Relative data paths are taken from the file's own folder, or from `root`.

    Parameters
    ----------
    data : dict, optional
        Replaces the paths of the file's ``data:`` section ("dataset", or "images" and "labels").
    base : Base, optional
        Fills in ``model:``, ``recipe:`` and ``labels:`` where the file has none.
    root : path, optional
        Folder that relative paths in the file's ``data:`` section start from.

    Raises
    ------
    InputError
        The file is missing, no YAML, or has an unknown or ill-typed entry (which is named).
    """
    file = Path(path)
    try:
        values = from_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The training file {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(
            f"The training file {file} is not valid YAML: {' '.join(str(error).split())}."
        ) from error
    if not isinstance(values, dict):
        raise InputError(
            f"The training file {file} must hold 'name:', 'data:', 'recipe:', 'labels:' and 'model:'."
        )
    if base is not None:
        values = {**base._asdict(), **values}
    if data:
        section = values.get("data") or {}
        kept = {key: value for key, value in section.items() if key not in ("dataset", "images", "labels")}
        values["data"] = {**kept, **{key: str(Path(value).absolute()) for key, value in data.items()}}
    return config_from_dict(values, folder=file.parent if root is None else Path(root))


def config_from_dict(values: dict[str, Any], folder: Path) -> TrainConfig:
    """Turn plain YAML values into a checked `TrainConfig`; raises `InputError` naming the bad entry."""
    values = dict(values)
    missing = [key for key in ("name", "data", "recipe", "labels", "model") if values.get(key) is None]
    if missing:
        raise InputError(f"The training file lacks the entry '{missing[0]}:'.")
    data = _absolute(_section(DataConfig, values.pop("data"), "data"), folder)
    recipe = Recipe.from_dict(values.pop("recipe"))
    table, of_labels = _table(values.pop("labels"))
    model = _model(values.pop("model"), recipe, table)
    read_apart = {"data", "recipe", "table", "model"}
    parts = {
        key: _section(kind, values.pop(key), key)
        for key, kind in section_types().items()
        if key in values and key not in read_apart
    }
    given = {"data": data, "recipe": recipe, "table": table, "model": model, **of_labels}
    config: TrainConfig = _section(TrainConfig, {**values, **parts, **given}, "file")
    for problem in problems(config):
        raise InputError(f"The training file cannot be used: {problem}.")
    return config


def _section(kind: type[Any], values: Any, name: str) -> Any:
    """Build one of our dataclasses from plain values, checking names and types."""
    if not isinstance(values, dict):
        raise InputError(f"The training file's '{name}' must be a list of 'key: value' lines.")
    known = {item.name: item for item in fields(kind)}
    unknown = sorted(set(map(str, values)) - set(known))
    if unknown:
        raise InputError(
            f"The training file's '{name}' has the unknown entry '{unknown[0]}'; known: "
            f"{', '.join(sorted(known))}."
        )
    hints = get_type_hints(kind)
    checked = {key: _typed(value, hints[key], f"{name}' entry '{key}") for key, value in values.items()}
    lacking = [key for key, item in known.items() if key not in checked and _required(item)]
    if lacking:
        raise InputError(f"The training file's '{name}' lacks the entry '{lacking[0]}:'.")
    return kind(**checked)


def _required(item: Any) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _typed(value: Any, hint: Any, where: str) -> Any:
    """Return a YAML value as the type a field declares: numbers, text, truth, tuples of these, or ours."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"The training file's '{where}' must be a list, not {value!r}.")
        each = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(each) != len(value):
            raise InputError(f"The training file's '{where}' must list {len(each)} values, not {len(value)}.")
        return tuple(_typed(item, one, where) for item, one in zip(value, each, strict=True))
    if type(None) in arguments:
        return None if value is None else _typed(value, arguments[0], where)
    if isinstance(hint, type) and is_dataclass(hint) and not isinstance(value, hint):
        return _section(hint, value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        advice = " (write 1.0e-3, not 1e-3)" if hint is float and isinstance(value, str) else ""
        raise InputError(
            f"The training file's '{where}' must be {kinds.get(hint, hint)}, not {value!r}{advice}."
        )
    return value


def _absolute(data: DataConfig, folder: Path) -> DataConfig:
    def absolute(path: str | None) -> str | None:
        return os.path.abspath(folder / Path(path).expanduser()) if path else None

    dataset, images, labels, maps = map(absolute, (data.dataset, data.images, data.labels, data.maps))
    sets = tuple(
        replace(one, images=absolute(one.images), labels=absolute(one.labels) or "") for one in data.sets
    )
    return replace(data, dataset=dataset, images=images, labels=labels, maps=maps, sets=sets)


def _table(values: Any) -> tuple[LabelTable, dict[str, tuple[Any, ...]]]:
    """Read ``labels:``: names, or mappings; the table and what `TrainConfig` wants to know of each label."""
    if isinstance(values, dict):
        values = [
            {"name": name, "group": group} if group else {"name": name} for name, group in values.items()
        ]
    if not isinstance(values, list) or not values:
        raise InputError(
            "The training file's 'labels' must list the structures in the order of their ids 1, 2, ..."
        )
    entries = [{"name": value} if isinstance(value, str) else value for value in values]
    allowed = {"name", "group", "values", "map_values", "weight", "index", "colour"}
    for entry in entries:
        if not isinstance(entry, dict) or "name" not in entry or set(entry) - allowed:
            raise InputError(
                f"The training file's 'labels' has the entry {entry!r}: give a name, or a mapping with "
                f"{', '.join(sorted(allowed))}."
            )
    of_labels = {key: _of_every_label(entries, key) for key in ("values", "map_values")}
    weights = tuple(_typed(entry.get("weight", 1), float, "labels' entry 'weight") for entry in entries)
    of_labels["structure_weights"] = () if all(weight == 1 for weight in weights) else weights
    if all("index" in entry and "colour" in entry for entry in entries):
        table = LabelTable.from_list(entries)
    else:
        groups = {str(entry["name"]): str(entry["group"]) for entry in entries if entry.get("group")}
        table = LabelTable.from_names([str(entry["name"]) for entry in entries], groups)
    return table, of_labels


def _of_every_label(entries: list[dict[str, Any]], key: str) -> tuple[tuple[int, ...], ...]:
    """Values that every label has under a key; empty when none has."""
    held = tuple(_typed(entry.get(key, []), tuple[int, ...], f"labels' entry '{key}") for entry in entries)
    if any(held) and not all(held):
        raise InputError(f"The training file's 'labels' must give '{key}:' for every label or for none.")
    return held if all(held) else ()


def _model(values: Any, recipe: Recipe, table: LabelTable) -> ModelConfig:
    if not isinstance(values, dict):
        raise InputError(
            "The training file's 'model' must be a list of 'key: value' lines, such as 'preset: house-12'."
        )
    values = dict(values)
    preset = values.pop("preset", "house-12")
    if str(preset) not in PRESETS:
        raise InputError(f"There is no preset '{preset}'; choose one of {', '.join(PRESETS)}.")
    outputs = len(table.labels) + (recipe.activation == "softmax")
    channels = PROMPT_CHANNELS if recipe.field == "prompt" else len(recipe.channels)
    sizes = {
        **PRESETS[preset].to_dict(),
        **values,
        "in_channels": channels,
        "out_channels": outputs,
    }
    return ModelConfig.from_dict(sizes)
