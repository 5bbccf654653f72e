from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.layers import voxel_under

from ..conftest import blob
from .test_source_view import PLACES

SHAPE = (40, 12, 14)
ALONG_Z = (np.array([-50.0, 5, 6]), np.array([1.0, 0, 0]), [0, 1, 2])


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_a_click_in_2d_finds_its_voxel(model: Any, place: dict[str, Any]) -> None:
    image = model.add_image(blob(), **place)
    for index in [(3, 4, 5), (20, 27, 0)]:
        world = np.asarray(image.data_to_world(index))
        assert voxel_under(image, [], world, None, [1, 2]) == index


def test_a_click_outside_finds_none(model: Any) -> None:
    image = model.add_image(blob())
    assert voxel_under(image, [], np.array([5.0, -3, 5]), None, [1, 2]) is None


def test_a_click_in_a_4d_viewer_finds_the_voxel_of_a_3d_image(model: Any) -> None:
    image = model.add_image(blob(), scale=(2, 1, 1))
    model.add_image(np.zeros((3, 8, 8, 8)))
    assert voxel_under(image, [], np.array([1.0, 8, 5, 6]), None, [2, 3]) == (4, 5, 6)


def test_a_ray_takes_the_brightest_voxel(model: Any) -> None:
    data = np.zeros((10, 12, 14))
    data[3, 5, 6] = 1
    image = model.add_image(data, scale=(2, 1, 1))
    model.dims.ndisplay = 3
    position, direction = np.array([-50.0, 5, 6]), np.array([1.0, 0, 0])
    assert voxel_under(image, [], position, direction, [0, 1, 2]) == (3, 5, 6)
    assert voxel_under(image, [], position + [0, 40, 0], direction, [0, 1, 2]) is None


def test_a_ray_takes_the_surface_it_sees(model: Any) -> None:
    data = np.zeros((10, 12, 14))
    data[3:6, 5, 6] = 1
    data[8, 5, 6] = 5
    image = model.add_image(data, rendering="iso", iso_threshold=0.5)
    model.dims.ndisplay = 3
    position, direction = np.array([-50.0, 5, 6]), np.array([1.0, 0, 0])
    assert voxel_under(image, [], position, direction, [0, 1, 2]) == (3, 5, 6)


def test_a_ray_takes_labels_before_the_image(model: Any) -> None:
    image = model.add_image(blob((10, 12, 14)))
    labels = np.zeros((10, 12, 14), np.uint8)
    labels[7, 5, 6] = 1
    drawn = model.add_labels(labels)
    model.dims.ndisplay = 3
    position, direction = np.array([-50.0, 5, 6]), np.array([1.0, 0, 0])
    assert voxel_under(image, [drawn], position, direction, [0, 1, 2]) == (7, 5, 6)


def line(values: dict[int, float], background: float = 0.0) -> np.ndarray:
    """A volume with values on the line that the ray of `ALONG_Z` follows."""
    data = np.full(SHAPE, background, np.float32)
    for z, value in values.items():
        data[z, 5, 6] = value
    return data


def shown(model: Any, data: np.ndarray, drawn: Any = (), **look: Any) -> Any:
    image = model.add_image(data, contrast_limits=(0, 100), **look)
    model.dims.ndisplay = 3
    return voxel_under(image, drawn, *ALONG_Z)


@pytest.mark.parametrize(
    ("rendering", "z"), [("mip", 30), ("average", 30), ("additive", 30), ("minip", 20), ("iso", 10)]
)
def test_a_ray_takes_what_the_rendering_shows(model: Any, rendering: str, z: int) -> None:
    data = line({10: 60, 20: 5, 30: 90}, background=50)
    assert shown(model, data, rendering=rendering, iso_threshold=55) == (z, 5, 6)


def test_attenuation_hides_what_lies_behind(model: Any) -> None:
    near_and_far = line({10: 70, 30: 90}, background=20)
    assert shown(model, near_and_far, rendering="attenuated_mip", attenuation=0.5) == (10, 5, 6)
    assert shown(model, near_and_far, rendering="attenuated_mip", attenuation=0.0) == (30, 5, 6)


def test_translucent_shows_the_first_opaque_voxel(model: Any) -> None:
    from napari.utils import Colormap

    clear_to_white = Colormap([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], controls=[0, 0.5, 1])
    data = line({10: 90, 30: 100})
    assert shown(model, data, rendering="translucent", colormap=clear_to_white) == (10, 5, 6)


def test_an_isosurface_that_is_not_met_shows_nothing(model: Any) -> None:
    assert shown(model, line({10: 60}), rendering="iso", iso_threshold=70) is None


def test_brighter_than_white_is_white(model: Any) -> None:
    assert shown(model, line({10: 100, 30: 500}), rendering="mip") == (10, 5, 6)


@pytest.mark.parametrize("rendering", ["mip", "minip", "attenuated_mip", "iso", "average"])
def test_a_plane_is_taken_whatever_shines_behind_or_before_it(model: Any, rendering: str) -> None:
    data = line({3: 100, 17: 100, 30: 0}, background=40)
    plane = {"position": (12, 5, 6), "normal": (1, 0, 0), "thickness": 1}
    look = {"rendering": rendering, "iso_threshold": 20, "depiction": "plane", "plane": plane}
    assert shown(model, data, **look) == (12, 5, 6)


def test_an_oblique_plane_is_met_where_it_is_drawn(model: Any) -> None:
    plane = {"position": (20, 0, 6), "normal": (1, 1, 0), "thickness": 1}
    assert shown(model, line({3: 100}), depiction="plane", plane=plane) == (15, 5, 6)


def test_a_thick_plane_shows_its_brightest_voxel(model: Any) -> None:
    plane = {"position": (12, 5, 6), "normal": (1, 0, 0), "thickness": 9}
    assert shown(model, line({3: 100, 14: 80}), depiction="plane", plane=plane) == (14, 5, 6)


def test_a_plane_hides_labels_behind_it_and_not_those_before_it(model: Any) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[30, 5, 6] = 1
    drawn = model.add_labels(labels)
    plane = {"position": (12, 5, 6), "normal": (1, 0, 0), "thickness": 1}
    assert shown(model, line({}), [drawn], depiction="plane", plane=plane) == (12, 5, 6)
    drawn.data[4, 5, 6] = 1
    image = model.layers[-1]
    assert voxel_under(image, [drawn], *ALONG_Z) == (4, 5, 6)


def test_a_plane_that_the_ray_misses_shows_nothing(model: Any) -> None:
    plane = {"position": (12, 11, 6), "normal": (0, 1, 0), "thickness": 1}
    assert shown(model, line({10: 100}), depiction="plane", plane=plane) is None


def test_clipping_planes_hide(model: Any) -> None:
    cut = [{"position": (20, 0, 0), "normal": (1, 0, 0), "enabled": True}]
    assert shown(model, line({10: 100, 30: 60}), experimental_clipping_planes=cut) == (30, 5, 6)


def test_only_the_label_that_is_shown_alone_is_taken(model: Any) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[10, 5, 6], labels[20, 5, 6] = 1, 2
    drawn = model.add_labels(labels)
    assert shown(model, line({}), [drawn]) == (10, 5, 6)
    drawn.selected_label, drawn.show_selected_label = 2, True
    assert voxel_under(model.layers[-1], [drawn], *ALONG_Z) == (20, 5, 6)
