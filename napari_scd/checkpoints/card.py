"""What a checkpoint file says about itself, read from its header alone; no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_scd.checkpoints.header import read_header
from napari_scd.checkpoints.tested import shipped_figures
from napari_scd.errors import InputError, NeedsConversion
from napari_scd.plain import from_json
from napari_scd.volume import LabelTable, Recipe

if TYPE_CHECKING:
    from napari_scd.checkpoints.header import Header

FORMAT = "napari-scd/1"


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from.

    Attributes
    ----------
    name, title, description : str
        Short name (empty = the file's name), a line, a paragraph.
    data, licence : str
        What it was trained on; the licence of the weights.
    steps, seed : int
        Of the training run.
    metrics : dict
        Measured quality, such as ``{"dice": {"0.5": 0.87}}``.
    preview : bool
        Whether it has not reached its intended quality yet.
    created : str
        ISO date.
    sha256, path : str
        Of the file; filled when it is loaded.
    """

    name: str = ""
    title: str = ""
    description: str = ""
    data: str = ""
    licence: str = ""
    steps: int = 0
    seed: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    preview: bool = False
    created: str = ""
    sha256: str = ""
    path: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy of what is stored in the file."""
        values = asdict(self)
        del values["sha256"], values["path"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Provenance:
        """Read a `to_dict` copy; entries of a later version are ignored.

        Raises
        ------
        InputError
            If an entry has the wrong type.
        """
        known: dict[str, Any] = {}
        for entry in fields(cls):
            value = values.get(entry.name, getattr(cls, entry.name, {}))
            if type(value).__name__ != str(entry.type).split("[")[0]:
                raise InputError(f"The model's provenance has an entry of the wrong type: '{entry.name}'.")
            known[entry.name] = _plain_text(value) if isinstance(value, str) else value
        return cls(**(known | {"sha256": "", "path": ""}))


@dataclass(frozen=True)
class ModelCard:
    """A checkpoint's header.

    Attributes
    ----------
    name : str
        As on the command line: the file's name without ``.safetensors``.
    path : Path
    shipped : bool
        Whether it comes with the package.
    config : dict
        Sizes of the network, unchecked.
    recipe : Recipe
    labels : LabelTable
    provenance : Provenance
    n_parameters, n_bytes : int
        Numbers stored; size of the file.
    """

    name: str
    path: Path
    shipped: bool
    config: dict[str, Any]
    recipe: Recipe
    labels: LabelTable
    provenance: Provenance
    n_parameters: int
    n_bytes: int


def read_card(path: str | Path, *, shipped: bool = False) -> ModelCard:
    """Read what a checkpoint file says about itself.

    Raises
    ------
    InputError
        If the file is missing, of another kind or damaged; one sentence each.
    """
    path = Path(path)
    header = read_header(path)
    written = header.metadata.get("format")
    if written is None:
        raise NeedsConversion(path.name, "holds tensors but says nothing about its network")
    if written != FORMAT:
        raise InputError(
            f"{path.name} has format '{written}', but this version reads '{FORMAT}': update napari-scd."
        )
    parts = {name: _part(header, name, path) for name in ("config", "recipe", "labels", "provenance")}
    try:
        recipe = Recipe.from_dict(_mapping(parts["recipe"], "recipe"))
        labels = LabelTable.from_list(_listing(parts["labels"], "label table"))
        provenance = Provenance.from_dict(_mapping(parts["provenance"], "provenance"))
        if shipped:
            provenance.metrics.update(shipped_figures(path.stem))
        config = _mapping(parts["config"], "network configuration")
    except InputError as error:
        raise InputError(f"{path.name} cannot be used: {error}") from error
    return ModelCard(
        path.stem, path, shipped, config, recipe, labels, provenance, header.n_parameters, path.stat().st_size
    )


def _part(header: Header, name: str, path: Path) -> Any:
    try:
        return from_json(header.metadata[name])
    except KeyError as error:
        raise InputError(f"{path.name} lacks its {name}: it was not written by napari-scd.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is damaged (its {name} cannot be read): get a new copy.") from error


def _plain_text(text: str) -> str:
    """Text from an untrusted file, without control characters."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"its {what} is not a mapping.")
    return value


def _listing(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"its {what} is not a list.")
    return value
