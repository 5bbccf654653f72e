"""Names and colours of the exit stages, the same in files, figures and tables."""

from __future__ import annotations

from napari_scd.volume import Label, LabelTable

Colour = tuple[int, int, int]

_GREY: Colour = (150, 156, 164)
_BETWEEN: tuple[Colour, ...] = ((43, 108, 176), (232, 163, 61))
_RED: Colour = (214, 39, 40)


def stage_table(n_stages: int) -> LabelTable:
    """Label table of a token map: ``s`` = left at stage s, ``n_stages + 1`` = survived.

    With three stages the colours are grey, blue (#2b6cb0), amber (#e8a33d) and red (#d62728); with another
    number those in between are spread from blue to amber.
    """
    names = [f"left at stage {stage}" for stage in range(1, n_stages + 1)] + ["survived all stages"]
    colours = [_GREY, *(_blend(i, n_stages - 1) for i in range(n_stages - 1)), _RED][-len(names) :]
    entries = enumerate(zip(names, colours, strict=True), start=1)
    return LabelTable(tuple(Label(index, name, colour) for index, (name, colour) in entries))


def _blend(step: int, count: int) -> Colour:
    share = step / (count - 1) if count > 1 else 0.0
    r, g, b = (round(low + share * (high - low)) for low, high in zip(*_BETWEEN, strict=True))
    return r, g, b
