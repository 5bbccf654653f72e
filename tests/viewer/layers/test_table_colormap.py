"""Colours of label maps: the same as napari's own, and none of napari's compiling."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.viewer.layers import colour_table

colormaps = pytest.importorskip("napari.utils.colormaps")
COLOURS = {
    None: (0.0, 0.0, 0.0, 0.0),
    0: (0.0, 0.0, 0.0, 0.0),
    1: (1.0, 0.0, 0.0, 1.0),
    200: (0.0, 1.0, 0.0, 0.5),
}


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16])
def test_colours_are_those_of_napari(kind: type[np.integer]) -> None:
    limits = np.iinfo(kind)
    labels = np.arange(limits.min, limits.max + 1, dtype=kind)[-300:].reshape(2, -1)
    expected = colormaps.DirectLabelColormap(color_dict=COLOURS).map(labels)
    np.testing.assert_allclose(colour_table(COLOURS).map(labels), expected)


def test_nothing_is_compiled_for_our_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari.layers import Labels
    from napari.utils.colormaps import _accelerated_cmap

    def refuse(*arguments: object) -> None:
        raise AssertionError("napari compiles a lookup")

    monkeypatch.setattr(_accelerated_cmap, "labels_raw_to_texture_direct", refuse)
    layer = Labels(np.arange(64, dtype=np.uint8).reshape(4, 4, 4), colormap=colour_table(COLOURS))
    layer.colormap = colour_table(COLOURS | {5: (0.0, 0.0, 1.0, 1.0)})
    layer.selected_label, layer.show_selected_label = 5, True
    assert layer.get_color(5).tolist() == [0, 0, 1, 1]
