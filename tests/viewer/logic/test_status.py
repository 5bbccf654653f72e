from __future__ import annotations

import pytest

from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.status import Size
from napari_scd.viewer.state import State, Status


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (sentences.NO_IMAGE, "Open a 3D volume, or File > Open Sample > SCD."),
        (
            sentences.ready(Size((120, 384, 384), (2.5, 0.8, 0.8)), 27, 11.0, "cpu", click_only=False),
            "384x384x120 at 0.8x0.8x2.5 mm: 27 windows, about 11 s on cpu.",
        ),
        (
            sentences.ready(Size((51, 50, 35), (1, 1, 1)), 1, None, "cpu", click_only=True),
            "35x50x51 at 1x1x1 mm: press K, then click a structure.",
        ),
        (sentences.done(13, 11, 10.8), "13 labels, 11 found in 11 s. Accept (U) or Discard."),
        (
            sentences.cancelled(9, 27),
            "Stopped after 9 of 27 windows: the partial result is a preview.",
        ),
        (sentences.cancelled(0, 27), "Stopped before the first window: nothing was changed."),
        (
            sentences.preview([("kidney", 151.0), ("kidney", 160.0)]),
            "Preview: kidney, 151 ml; kidney, 160 ml. Accept (U) or Discard.",
        ),
        (sentences.preview([("liver", 1200.0)]), "Preview: liver, 1,200 ml. Accept (U) or Discard."),
        (sentences.preview([("a", 1.0)] * 4), "Preview: 4 structures. Accept (U) or Discard."),
        (sentences.clicked_everything(1), "Preview: 1 structure around the click. Accept (U) or Discard."),
        (
            sentences.clicked("hippocampus", 3.3, 31),
            "Preview: hippocampus, 3.3 ml (31 structures in the preview). Accept (U) or Discard.",
        ),
        (sentences.CANCELLING, "Stopping after this window."),
    ],
)
def test_sentences(status: Status, sentence: str) -> None:
    assert status.sentence == sentence


def test_warnings_have_the_sentences_of_the_specification() -> None:
    assert sentences.NO_VOXEL_SIZE == (State.WARN_GEOMETRY, "No voxel size: assuming 1 mm.")
    assert sentences.NO_ORIENTATION[1] == (
        "Orientation unknown: left and right, front and back, or head and feet may be swapped. "
        "Set it in Advanced."
    )
