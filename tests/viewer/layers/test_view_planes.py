from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.layers.axes import axes_matrix
from napari_scd.viewer.layers.letters import direction_letter, edges_on_screen
from napari_scd.viewer.layers.view_planes import PLANES, mirrored, show_plane, show_solid, standing

UP = {"axial": (0, -1, 0), "coronal": (1, 0, 0), "sagittal": (1, 0, 0)}
RIGHT = {"axial": (0, 0, 1), "coronal": (0, 0, 1), "sagittal": (0, 1, 0)}
ORIENTATIONS = ["".join(letters) for order in permutations(("SI", "PA", "LR")) for letters in product(*order)]
LETTERS = {"axial": ("A", "P", "R", "L"), "coronal": ("S", "I", "R", "L"), "sagittal": ("S", "I", "A", "P")}


def test_our_own_axes_stand_as_they_should() -> None:
    assert standing("axial", np.eye(4)) == ((0, 1, 2), ("away", "down", "right"))
    assert standing("coronal", np.eye(4)) == ((1, 0, 2), ("away", "up", "right"))
    assert standing("sagittal", np.eye(4)) == ((2, 0, 1), ("towards", "up", "right"))


@pytest.mark.parametrize("plane", PLANES)
def test_the_patient_stands_upright_whatever_way_the_axes_point(model: Any, plane: str) -> None:
    model.add_image(np.zeros((4, 5, 6)))
    for axes in ORIENTATIONS:
        to_mm = axes_matrix(axes)
        show_plane(model, plane, to_mm)
        order, (_, vertical, horizontal) = model.dims.order, map(str, model.scene.camera.orientation)
        up = to_mm[:3, order[1]] * (1 if vertical == "up" else -1)
        right = to_mm[:3, order[2]] * (1 if horizontal == "right" else -1)
        assert np.allclose(up, UP[plane]) and np.allclose(right, RIGHT[plane])
        assert model.dims.ndisplay == 2
        assert edges_on_screen(model, to_mm) == LETTERS[plane]
        show_solid(model, to_mm)
        assert model.dims.ndisplay == 3 and not mirrored(model, to_mm)


def test_naparis_own_3d_is_a_mirror_image_of_the_patient(model: Any) -> None:
    model.add_image(np.zeros((4, 5, 6)))
    model.dims.ndisplay = 3
    assert mirrored(model, np.eye(4)) and not mirrored(model, axes_matrix("IPL"))


def test_leading_axes_stay_in_front(model: Any) -> None:
    model.add_image(np.zeros((3, 4, 5, 6)))
    model.dims.set_point(2, 3)
    show_plane(model, "coronal", np.eye(4))
    assert model.dims.order == (0, 2, 1, 3) and model.dims.point[2] == 3
    show_plane(model, "axial", np.eye(4))
    assert model.dims.order == (0, 1, 2, 3)


def test_letters_follow_rolled_transposed_and_flipped_axes(model: Any) -> None:
    model.add_image(np.zeros((3, 4, 5, 6)))
    to_mm = axes_matrix("SPL")
    assert edges_on_screen(model, to_mm) == ("A", "P", "R", "L")
    model.dims.transpose()
    assert edges_on_screen(model, to_mm) == ("R", "L", "A", "P")
    model.scene.camera.orientation = ("away", "up", "left")
    assert edges_on_screen(model, to_mm) == ("L", "R", "P", "A")
    model.dims.order = (3, 2, 0, 1)
    assert edges_on_screen(model, to_mm) is None, "frames run across the screen"
    model.dims.order = (0, 1, 2, 3)
    model.dims.ndisplay = 3
    assert edges_on_screen(model, to_mm) is None


def test_a_tilted_axis_has_the_letter_nearest_to_it() -> None:
    assert direction_letter(np.array([0.6, -0.7, 0.1])) == "A"
    assert direction_letter(np.array([-0.8, 0.1, 0.5])) == "I"
