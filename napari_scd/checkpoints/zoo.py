"""The table of models by name: those shipped with the package and those in the user's models folder."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from pathlib import Path

from platformdirs import user_data_dir

from napari_scd.checkpoints.card import ModelCard, read_card
from napari_scd.errors import InputError, UnknownModel

SUFFIX = ".safetensors"
WEIGHTS = Path(__file__).parent / "weights"
SHIPPED_ORDER = ("abdomen-ct", "brain-mr", "brain-mr-free", "hippocampus-mr", "any")
FREE = "-free"  # ends the name of a model that does the job of another under a freer licence
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_logger = logging.getLogger(__name__)


def models_folder() -> Path:
    """Folder for the user's own checkpoints: ``$NAPARI_SCD_MODELS``, or the platform's data folder.

    An account without a home folder, as in containers, gets one among the temporary files.
    """
    chosen = os.environ.get("NAPARI_SCD_MODELS")
    if chosen:
        return Path(os.path.expanduser(chosen))  # Path's own method raises where there is no home folder
    try:
        return Path(user_data_dir("napari-scd", False)) / "models"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "napari-scd" / "models"


def list_models() -> tuple[ModelCard, ...]:
    """Read the cards of every model that can be named: shipped ones first, then the user's by name.

    A file that cannot be read is skipped with a log message; the shipped one wins over another of its name.
    """
    cards: dict[str, ModelCard] = {}
    for path in (*_shipped_files(), *_files(models_folder())):
        if path.stem in cards or not is_name(path.stem):
            continue
        try:
            cards[path.stem] = read_card(path, shipped=path.parent == WEIGHTS)
        except InputError as error:
            _logger.warning("Skipped a file in the models folder: %s", error)
    return tuple(cards.values())


def suggested_models() -> tuple[ModelCard, ...]:
    """Read the cards of the shipped models, without those that do another's job: `x-free` beside `x`."""
    cards = [card for card in list_models() if card.shipped]
    names = {f"{card.name}{FREE}" for card in cards}
    return tuple(card for card in cards if card.name not in names)


def describe(name_or_path: str | os.PathLike[str]) -> ModelCard:
    """Read the card of one model, by name or from a file.

    Raises
    ------
    UnknownModel
        If there is no such model.
    InputError
        If the file is not a model.
    """
    path = find(name_or_path)
    return read_card(path, shipped=path.parent == WEIGHTS)


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """Path of a model: a name of the table, else a file.

    Raises
    ------
    UnknownModel
        If there is no such name or file; the message lists the names.
    """
    if isinstance(name_or_path, str) and is_name(name_or_path):
        for folder in (WEIGHTS, models_folder()):
            path = folder / f"{name_or_path}{SUFFIX}"
            if os.path.isfile(path):  # Path's own raises for names that are too long
                return path
    path = Path(os.path.expanduser(name_or_path))
    if os.path.exists(path) or path.suffix == SUFFIX or len(path.parts) > 1:
        return path
    raise UnknownModel(str(name_or_path), _names())


def is_name(text: str) -> bool:
    """Whether a text may name a model: letters, digits, dots, dashes, underscores; no way through folders."""
    return _NAME.fullmatch(text) is not None and ".." not in text


def listed_sha256(path: Path) -> str | None:
    """Checksum that the package lists for one of its own files (``weights/SHA256SUMS``), else None."""
    table = WEIGHTS / "SHA256SUMS"
    if path.parent != WEIGHTS or not table.is_file():
        return None
    for line in table.read_text(encoding="utf-8").splitlines():
        checksum, _, name = line.partition(" ")
        if name.strip().lstrip("*") == path.name:
            return checksum.lower()
    return None


def _names() -> list[str]:
    return list(dict.fromkeys(path.stem for path in (*_shipped_files(), *_files(models_folder()))))


def _shipped_files() -> list[Path]:
    order = {name: rank for rank, name in enumerate(SHIPPED_ORDER)}
    return sorted(_files(WEIGHTS), key=lambda path: order.get(path.stem, len(order)))


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file())
    except OSError:
        return []
