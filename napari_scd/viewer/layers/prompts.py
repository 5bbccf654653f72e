"""How prompts are kept in the viewer: clicks and strokes as points, boxes as rectangles on slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.layers.build import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_scd.viewer.layers.build import LayerTuple
    from napari_scd.viewer.layers.source_view import SourceView

    Corners = tuple[Sequence[int], Sequence[int]]

LOOKS = {"include": ("cross", "#56d364"), "exclude": ("x", "#ff6b5e")}
PLAIN = ("cross", "#ffffff")
CLICK_MM, STROKE_MM = 6.0, 2.0


def mark_kinds(points: Any) -> None:
    """Draw what was included as green crosses, what was excluded as red ones lying aslant; strokes small."""
    looks = [LOOKS.get(kind.partition(" ")[0], PLAIN) for kind in points.features.get("kind", [])]
    if looks and len(looks) == len(points.data):
        mm = [STROKE_MM if "stroke" in kind else CLICK_MM for kind in points.features["kind"]]
        points.size = np.array(mm) / np.abs(points.scale[-3:]).min()  # of a voxel in the finest plane
        points.symbol = [symbol for symbol, _ in looks]
        points.face_color = [colour for _, colour in looks]


def boxes_layer(boxes: Mapping[str, Corners], view: SourceView) -> LayerTuple:
    """Return boxes (first and last voxel) as rectangles on their first, middle and last slice."""
    shapes, names = [], []
    for name, (low, high) in boxes.items():
        (z0, y0, x0), (z1, y1, x1) = low, high
        for z in sorted({z0, (z0 + z1) // 2, z1}):
            corners = ((y0 - 0.5, x0 - 0.5), (y0 - 0.5, x1 + 0.5), (y1 + 0.5, x1 + 0.5), (y1 + 0.5, x0 - 0.5))
            shapes.append(np.array([[*view.frame, z, y, x] for y, x in corners], float))
            names.append(name)
    keywords = dict(view.look) | {
        "name": name_of(view.name, "boxes"),
        "shape_type": "rectangle",
        "features": {"label": names},
        "face_color": "transparent",
        "edge_color": LOOKS["include"][1],
        "edge_width": 1.0,
    }
    return shapes, keywords, "shapes"
