"""Points in mm on the command line: ``--at R A S``, any number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.batch import Point


class PointCommand(TyperCommand):
    """A command that accepts ``--at R A S`` as well as ``--at R,A,S``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fold each point into one word, then parse as usual."""
        return super().parse_args(ctx, fold_points(args))


def fold_points(words: list[str]) -> list[str]:
    """Join the numbers after each ``--at`` with commas: ``--at -26 -20 -16`` -> ``--at=-26,-20,-16``."""
    folded: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*folded, word, *rest]
        if word != "--at":
            folded.append(word)
            continue
        numbers: list[str] = []
        while rest and len(numbers) < 3 and _is_number(rest[0]):
            numbers.append(rest.pop(0))
        if not numbers and rest and not rest[0].startswith("--"):
            numbers.append(rest.pop(0))
        folded.append(f"--at={','.join(numbers)}")
    return folded


def parse_point(text: str) -> Point:
    """Read ``R,A,S`` in mm.

    Raises
    ------
    InputError
        When there are not exactly three finite numbers.
    """
    parts = text.replace(",", " ").split()
    if len(parts) != 3 or not all(_is_number(part) for part in parts):
        raise InputError(
            f"--at got '{text}', but a point is three numbers in mm (right, anterior, superior): "
            "write it as --at -26 -20 -16."
        )
    r, a, s = (float(part) for part in parts)
    return r, a, s


def _is_number(word: str) -> bool:
    try:
        return abs(float(word)) < float("inf")
    except ValueError:
        return False
