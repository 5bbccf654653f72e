"""What a command says when packages of an optional extra are missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAINING = ("lightning_fabric", "tensorboard")


@contextmanager
def training_extra(what: str = "Training", instead: str = "") -> Iterator[None]:
    """Turn a missing package of the extra `train` into a sentence about what needs it.

    Raises
    ------
    InputError
        If one of its packages is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in TRAINING:
            raise
        raise InputError(
            f"{what} needs the package '{error.name}': install it with "
            f"pip install 'napari-scd[train]'{instead}."
        ) from error
