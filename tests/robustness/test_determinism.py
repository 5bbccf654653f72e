"""The same question gets the same answer, however many windows and threads work on it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import yaml

from napari_scd.checkpoints import load
from napari_scd.engine import Request, Session
from napari_scd.volume import Volume, load_phantom

from .tiny import TRAINING, save_tiny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_scd.engine import Segmentation

MOST_LABELS_CHANGED = 1e-3
MOST_PROBABILITY_CHANGED = 1e-3


@pytest.fixture
def session(tmp_path: Path) -> Session:
    made = Session(*load(save_tiny(tmp_path / "tiny.safetensors", spacing_mm=4.0)), cache_bytes=0)
    made.set_volume(middle_of_the_phantom())
    return made


def middle_of_the_phantom() -> Volume:
    """Enough for several windows along each axis."""
    phantom = load_phantom()[0]
    middle = tuple(slice(n // 4, n - n // 4) for n in phantom.array.shape)
    return Volume(phantom.array[middle], phantom.affine)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def segmented(session: Session, threads: int = 1, **request: object) -> Segmentation:
    torch.set_num_threads(threads)
    return session.segment(Request(device="cpu", probability=True, **request))  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", [None, 0.25, 1.0])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batches_and_threads_change_next_to_nothing(
    session: Session, keep: float | None, precision: str
) -> None:
    one = segmented(session, keep=keep, precision=precision, batch=1)
    assert len(np.unique(one.labels.array)) > 1, "an answer that could change"
    for threads, batch in ((1, 1), (1, 2), (1, 3), (2, 1), (2, 4)):
        other = segmented(session, threads, keep=keep, precision=precision, batch=batch)
        if (threads, batch) == (1, 1):
            assert np.array_equal(other.labels.array, one.labels.array)
            assert np.array_equal(other.tokens.array, one.tokens.array)
        assert np.mean(other.labels.array != one.labels.array) <= MOST_LABELS_CHANGED
        changed = np.abs(other.probability.array - one.probability.array)  # type: ignore[union-attr]
        assert np.mean(changed) <= MOST_PROBABILITY_CHANGED


def test_the_cache_changes_nothing(tmp_path: Path) -> None:
    session = Session(*load(save_tiny(tmp_path / "tiny.safetensors", spacing_mm=4.0)))
    session.set_volume(middle_of_the_phantom())
    fresh = [segmented(session, keep=keep).labels.array for keep in (0.3, 0.6)]
    again = [segmented(session, keep=keep).labels.array for keep in (0.3, 0.6)]
    assert all(np.array_equal(one, other) for one, other in zip(fresh, again, strict=True))


def test_the_seed_decides_a_training_run(stock: Path, tmp_path: Path) -> None:
    from napari_scd.training import RunOptions, config_from_dict, train

    config = config_from_dict(yaml.safe_load(yaml.safe_dump({**TRAINING, "steps": 2})), stock / "cases")
    weights = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        options = RunOptions(tmp_path / name, device="cpu", precision="float32", tensorboard=False)
        weights.append(train(dataclasses.replace(config, seed=seed), options).weights)
    first, second, third = weights
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], third[name]) for name in first)
