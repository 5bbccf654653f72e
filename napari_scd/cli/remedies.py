"""What to type when an input cannot be used: rooms below know the facts, this one knows the options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.errors import ChooseFrame, ChooseSeries, NeedsConversion, NeedsPoint

if TYPE_CHECKING:
    from napari_scd.errors import InputError

REMEDIES: dict[type[InputError], str] = {
    ChooseFrame: "Choose one with --frame.",
    ChooseSeries: "Choose one with --series.",
    NeedsConversion: "Run 'napari-scd models convert'.",
    NeedsPoint: "Give one with --at R A S.",
}


def with_remedy(error: InputError) -> str:
    """Return the error's message, and the option or command that helps where there is one."""
    remedy = REMEDIES.get(type(error))
    return str(error) if remedy is None else f"{error} {remedy}"
