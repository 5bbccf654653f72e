"""Options of `napari-scd segment` for promptable models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_scd.batch import PromptOptions
from napari_scd.cli.points import parse_box, parse_point
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

NotAtOption = Annotated[
    list[str] | None,
    typer.Option(
        "--not-at",
        metavar="R A S",
        help="For a promptable model: a point in mm that does not belong to the object; repeatable.",
    ),
]
BoxOption = Annotated[
    str | None,
    typer.Option(
        "--box",
        metavar="R A S R A S",
        help="For a promptable model: two opposite corners in mm; nothing outside belongs to the object.",
    ),
]
RefineOption = Annotated[
    str | None,
    typer.Option(
        "--refine",
        metavar="FILE:LABEL",
        help="For a promptable model: correct this label of a label file by points.",
    ),
]
PromptsOption = Annotated[
    Path | None,
    typer.Option(
        "--prompts",
        metavar="FILE.json",
        help="For a promptable model: several objects with their prompts, as the dock exports them.",
    ),
]


def parse_prompts(
    not_at: Sequence[str] | None, box: str | None, refine: str | None, file: Path | None, *, points: bool
) -> PromptOptions:
    """Read the options of a promptable model; `points` says whether there are points to include as well.

    Raises
    ------
    InputError
        When one cannot be read, or a file of prompts comes together with others.
    """
    if file is not None and (not_at or box or refine or points):
        raise InputError("Use either --prompts, or --at, --not-at, --box and --refine.")
    path, label = (None, None) if refine is None else _file_and_label(refine)
    return PromptOptions(
        exclude=tuple(parse_point(text, "--not-at") for text in not_at or ()),
        box=None if box is None else parse_box(box),
        refine=path,
        refine_label=label,
        file=file,
    )


def check_one_scan(model: str, prompts: PromptOptions, sources: Sequence[Path], *, is_tree: bool) -> None:
    """Refuse prompts for several scans, as places and masks belong to one.

    Raises
    ------
    InputError
        When there are several inputs or a study tree.
    """
    if not is_tree and len(sources) == 1:
        return
    from napari_scd.checkpoints import describe  # reads files, so only when it is needed

    if prompts.given or describe(model).recipe.field == "prompt":
        raise InputError("Prompts belong to one scan: give a single scan (IN) and a file (-o).")


def _file_and_label(text: str) -> tuple[Path, int | None]:
    """``FILE:LABEL`` or ``FILE``; a colon before anything but a number belongs to the file's name."""
    name, colon, number = text.rpartition(":")
    if colon and number.strip().isdecimal() and len(number) < 8:
        return Path(name), int(number)
    return Path(text), None
