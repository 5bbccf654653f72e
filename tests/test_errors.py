"""Errors carry facts, survive other processes and never make a mess of a terminal."""

from __future__ import annotations

import pickle

import pytest

from napari_scd.errors import (
    ChooseFrame,
    ChooseSeries,
    DeviceUnavailable,
    InputError,
    NeedsConversion,
    NeedsPoint,
    OutOfMemory,
    UnknownModel,
    Unreadable,
    Unwritable,
    WrongChannels,
)

EVERY = [
    (InputError("The volume is empty."), {}, "The volume is empty."),
    (OutOfMemory("cuda"), {"device": "cuda"}, "memory of device 'cuda'"),
    (DeviceUnavailable("mps"), {"device": "mps"}, "Device 'mps' is not available"),
    (UnknownModel("liver", ["a", "b"]), {"name": "liver", "known": ("a", "b")}, "available: a, b"),
    (NeedsConversion("lab.pth", "is a pickled PyTorch file"), {"file": "lab.pth"}, "convert it"),
    (NeedsPoint("hippocampus-mr"), {"model": "hippocampus-mr"}, "needs a point"),
    (WrongChannels(4, 1), {"needed": 4, "found": 1}, "has 1 channel, but this model needs 4 channels"),
    (ChooseFrame(3, "The file is 4D with 3 volumes"), {"n_frames": 3}, "a frame from 0 to 2"),
    (ChooseSeries("It holds 2 series", ["1: CT", "2: MR"]), {"series": ("1: CT", "2: MR")}, "1: CT; 2: MR"),
    (Unreadable("a.nii", "a.nii is empty."), {"file": "a.nii"}, "a.nii is empty"),
    (Unwritable("b.nii", "Cannot write b.nii."), {"file": "b.nii"}, "Cannot write"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "facts", "words"), EVERY, ids=lambda value: type(value).__name__)
def test_facts_and_words_survive_pickling_and_rewording(error, facts, words) -> None:
    assert words in str(error) and vars(error) == facts
    restored = pickle.loads(pickle.dumps(error))
    assert type(restored) is type(error) and str(restored) == str(error) and vars(restored) == facts
    reworded = error.reworded(f"scan.nii: {error}")
    assert type(reworded) is type(error) and str(reworded) == f"scan.nii: {error}" and vars(reworded) == facts
    assert not str(error).startswith("scan.nii")


@pytest.mark.parametrize("make", [InputError, InputError("").reworded], ids=["new", "reworded"])
def test_messages_stay_one_line_of_modest_length(make) -> None:
    assert str(make("two\nlines \x1b[31mred")) == "two lines [31mred"
    long = str(make("a" * 5000 + "end"))
    assert len(long) < 900 and " ... " in long and long.endswith("end")
