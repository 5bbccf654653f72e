"""Where the viewer's axes point in the patient, in three letters such as "SPL"."""

from __future__ import annotations

import numpy as np

from napari_scd.errors import InputError

SPL = "SPL"
_PAIRS = ("SI", "PA", "LR")


def axes_matrix(world_axes: str) -> np.ndarray:
    """(4, 4), world axes that point towards `world_axes` -> (S, P, L).

    Raises
    ------
    InputError
        If it is not three letters, one of each pair S/I, P/A, L/R.
    """
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    letters = world_axes.strip().upper()
    for row, pair in enumerate(_PAIRS):
        columns = [i for i, letter in enumerate(letters) if letter in pair]
        if len(letters) != 3 or len(columns) != 1:
            raise InputError(
                f"Orientation '{world_axes}' is not valid: give one letter of each pair S/I, P/A, L/R."
            )
        matrix[row, columns[0]] = 1.0 if letters[columns[0]] == pair[0] else -1.0
    return matrix
