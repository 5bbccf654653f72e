"""Names and colours of the exit stages: one table for files, figures, layers and panels."""

from __future__ import annotations

from napari_scd.volume import Label, LabelTable

Colour = tuple[int, int, int]

_GREY: Colour = (150, 156, 164)
_BLUE: Colour = (43, 108, 176)
_AMBER: Colour = (232, 163, 61)
_RED: Colour = (214, 39, 40)
_LEFT = "left at stage "


def stage_table(n_stages: int) -> LabelTable:
    """Label table of a token map: ``s`` = left at stage s, ``n_stages + 1`` = survived.

    Examples
    --------
    >>> stage_table(3).names
    ('left at stage 1', 'left at stage 2', 'left at stage 3', 'survived all stages')
    """
    names = [f"{_LEFT}{stage}" for stage in range(1, n_stages + 1)] + ["survived all stages"]
    entries = enumerate(names, start=1)
    return LabelTable(tuple(Label(stage, name, stage_colour(stage, n_stages)) for stage, name in entries))


def stage_colour(stage: int, n_stages: int) -> Colour:
    """Red, green and blue (0 to 255) of the tokens that left at a stage, or survived all of them.

    Three stages are grey, blue and amber, and survivors are red. With more stages, those after the first are
    spread evenly from blue to amber.

    Examples
    --------
    >>> ["#%02x%02x%02x" % stage_colour(stage, 3) for stage in (1, 2, 3, 4)]
    ['#969ca4', '#2b6cb0', '#e8a33d', '#d62728']
    """
    if stage > n_stages:
        return _RED
    if stage == 1:
        return _GREY
    share = (stage - 2) / (n_stages - 2) if n_stages > 2 else 0.0
    r, g, b = (round(low + share * (high - low)) for low, high in zip(_BLUE, _AMBER, strict=True))
    return r, g, b


def n_stages_of(table: LabelTable) -> int:
    """Return the number of stages of the token map with this table; 0 for the table of a label map."""
    return sum(name.startswith(_LEFT) for name in table.names)
