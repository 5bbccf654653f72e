"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_scd.engine import KEEP_RANGE
from napari_scd.errors import InputError

SURFACE_FORMATS = ("stl", "obj", "ply")
DEFAULT_MODEL = "hippocampus-mr"
KEEPS_FROM_TO = f"{KEEP_RANGE[0]:g} to {KEEP_RANGE[1]:g}"

KeepOption = Annotated[
    str | None,
    typer.Option(
        "--keep-ratio",
        "-k",
        metavar="K | K1,K2,K3",
        help=f"Share of the tokens that each stage keeps, {KEEPS_FROM_TO}; the model's own if left out.",
    ),
]
KeepsOption = Annotated[
    str | None, typer.Option("--keep-ratios", "-k", metavar="K,K,..", help="Keep ratios to run.")
]
DeviceOption = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[str, typer.Option(metavar="NAME", help="auto, float32 or bfloat16.")]
SharpenOption = Annotated[
    str,
    typer.Option(
        metavar="WHERE",
        help="For models with a sharp level: voxels are decided one by one at borders, everywhere or never "
        "(faster, coarser).",
    ),
]
AirOption = Annotated[
    bool, typer.Option("--air", help="In whole scans, look at the air around the body, too (slower).")
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, metavar="N", help="CPU threads to compute with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for another program instead of tables.")]


def parse_keep(text: str | None) -> float | tuple[float, ...] | None:
    """Read ``K`` or ``K1,K2,K3``; the range is checked where it is used.

    Raises
    ------
    InputError
        When a part is not a number.
    """
    if text is None:
        return None
    try:
        ratios = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--keep-ratio got '{text}': give one share from {KEEPS_FROM_TO}, or one per stage "
            "such as 0.5,0.4,0.3."
        ) from None
    return ratios[0] if len(ratios) == 1 else ratios


def parse_keeps(text: str | None, option: str = "--keep-ratios") -> tuple[float, ...]:
    """Read ``K,K,..``, each ratio once; empty when nothing was given.

    Raises
    ------
    InputError
        When a part is not a number.
    """
    try:
        return tuple(dict.fromkeys(float(part) for part in (text or "").split(",") if part.strip()))
    except ValueError:
        raise InputError(
            f"{option} got '{text}': give shares from {KEEPS_FROM_TO} such as 1,0.5,0.25."
        ) from None


def parse_names(texts: list[str] | None) -> tuple[str, ...]:
    """Read ``NAME,..``, given once or several times."""
    return tuple(name.strip() for text in texts or () for name in text.split(",") if name.strip())


def parse_surface_format(text: str) -> str:
    """Read the format of surfaces; capitals and a dot do not matter.

    Raises
    ------
    InputError
        When it is another.
    """
    name = text.lower().lstrip(".")
    if name not in SURFACE_FORMATS:
        raise InputError(f"--surface-format got '{text}': give {', '.join(SURFACE_FORMATS[:-1])} or ply.")
    return name
