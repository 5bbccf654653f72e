"""Points in mm on the command line: ``--at R A S``, any number of times, and boxes of two points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.batch import Point


NUMBERS = {"--at": 3, "--not-at": 3, "--box": 6}
"""How many numbers follow each option."""


class PointCommand(TyperCommand):
    """A command that accepts ``--at R A S`` as well as ``--at R,A,S``; likewise for boxes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fold each point into one word, then parse as usual."""
        return super().parse_args(ctx, fold_points(args))


def fold_points(words: list[str]) -> list[str]:
    """Join the numbers after each point with commas: ``--at -26 -20 -16`` -> ``--at=-26,-20,-16``."""
    folded: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*folded, word, *rest]
        if word not in NUMBERS:
            folded.append(word)
            continue
        numbers: list[str] = []
        while rest and len(numbers) < NUMBERS[word] and _is_number(rest[0]):
            numbers.append(rest.pop(0))
        if not numbers and rest and not rest[0].startswith("--"):
            numbers.append(rest.pop(0))
        folded.append(f"{word}={','.join(numbers)}")
    return folded


def parse_point(text: str, option: str = "--at") -> Point:
    """Read ``R,A,S`` in mm.

    Raises
    ------
    InputError
        When there are not exactly three finite numbers.
    """
    parts = text.replace(",", " ").split()
    if len(parts) != 3 or not all(_is_number(part) for part in parts):
        raise InputError(
            f"{option} got '{text}', but a point is three numbers in mm (right, anterior, superior): "
            f"write it as {option} -26 -20 -16."
        )
    r, a, s = (float(part) for part in parts)
    return r, a, s


def parse_box(text: str) -> tuple[Point, Point]:
    """Read ``R,A,S,R,A,S`` in mm: two opposite corners.

    Raises
    ------
    InputError
        When there are not exactly six finite numbers.
    """
    parts = text.replace(",", " ").split()
    if len(parts) != 6 or not all(_is_number(part) for part in parts):
        raise InputError(
            f"--box got '{text}', but a box is two opposite corners of three numbers in mm each: "
            "write it as --box -40 -30 -25 -10 0 0."
        )
    return parse_point(" ".join(parts[:3])), parse_point(" ".join(parts[3:]))


def _is_number(word: str) -> bool:
    try:
        return abs(float(word)) < float("inf")
    except ValueError:
        return False
