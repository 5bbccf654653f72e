"""The sample scans load, lie right, and say what is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import axis_directions, load_icbm152


def test_icbm152_lies_where_the_atlas_says() -> None:
    pytest.importorskip("nilearn")
    head = load_icbm152()
    assert head.array.shape == (189, 233, 197)
    assert head.array.dtype == np.float32
    assert head.warnings == ()
    assert axis_directions(head.affine) == "SPL"
    assert head.source.name == "ICBM152 T1"
    values = {}
    for name, ras_mm in {"white": (26, -20, 36), "ventricle": (-6, 0, 22), "air": (90, 0, 0)}.items():
        values[name] = head.array[tuple(np.rint(head.index_of(ras_mm)).astype(int))]
    assert values["white"] > values["ventricle"] > values["air"] == 0


def test_a_missing_nilearn_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nilearn.datasets", None)
    with pytest.raises(InputError, match="python -m pip install nilearn"):
        load_icbm152()
