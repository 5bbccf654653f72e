"""The backend with real networks of random weights: what the fakes of the other tests stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.cancel import CancelToken
from napari_scd.engine import Prompts
from napari_scd.viewer import layers as geometry
from napari_scd.viewer.logic.answers import with_click
from napari_scd.viewer.logic.backend import Backend, PartialAnswer
from napari_scd.viewer.logic.catalogue import offered_models
from napari_scd.viewer.logic.choices import Choices
from napari_scd.viewer.logic.failures import BadVolume, VoxelsChanged
from napari_scd.viewer.logic.keep_estimate import cost_of
from napari_scd.viewer.logic.merging import from_run

from ..conftest import blob

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    from napari_scd.checkpoints import Provenance, save
    from napari_scd.model import ModelConfig, build_network
    from napari_scd.volume import LabelTable, Recipe

    torch.manual_seed(0)
    config = ModelConfig(
        out_channels=3, roi=(16, 16, 16), patch=4, embed_dim=24, depth=3, heads=2, prune_after=(0, 1, 2),
        completion_dim=12, completion_heads=2, features=4, min_tokens=4,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    table = LabelTable.from_names(["front", "back"], {"front": "whole", "back": "whole"})
    save(path, build_network(config), Recipe("MR"), table, Provenance(name="tiny"))
    return path


def silent(step: Any) -> None:
    pass


def test_a_model_file_is_offered_with_what_it_is(model_file: Path) -> None:
    (offer,) = [one for one in offered_models(str(model_file.parent)) if one.value == str(model_file)]
    assert offer.title == "tiny, 2 structures" and offer.modality == "MR" and "MR, whole volume" in offer.hint
    bad = [one for one in offered_models("", "/no/such.safetensors") if one.value == "/no/such.safetensors"]
    assert len(bad) == 1, "choosing it says why it cannot be read"


def test_the_real_engine_fits_the_dock(model: Any, model_file: Path) -> None:
    backend, choices = Backend(), Choices(model=str(model_file), keep=0.5, device="cpu")
    view = geometry.look_at(model.add_image(blob(), name="ct", scale=(2, 1, 1), units="mm"))
    assert backend.prepare(None, choices, silent, CancelToken()) is None
    prepared = backend.prepare(view, choices, silent, CancelToken())
    assert prepared.plan.n_windows > 1
    assert cost_of(prepared.checkpoint.network, 0.5).tokens == prepared.plan.tokens
    steps: list[Any] = []
    warmed = backend.warm(view, choices, (12, 14, 16), silent, CancelToken())
    assert warmed.whole_run_s > warmed.plan.seconds, "now it knows the pace, and what comes beside windows"
    part = (slice(3, 4), slice(0, 28), slice(0, 32))
    answer = backend.segment(view, choices, (12, 14, 16), part, steps.append, CancelToken())
    window, plane = (step.segmentation for step in steps if isinstance(step, PartialAnswer))
    assert steps[0].segmentation is window and window.labels.array.any(), "what is on screen comes ahead"
    np.testing.assert_array_equal(plane.labels.array[part], answer.labels.array[part])
    done = [step.done for step in steps if not isinstance(step, PartialAnswer)]
    assert done == sorted(done), "progress counts once from 0 to the end"
    assert plane.report.n_windows < prepared.plan.n_windows
    assert {step.total for step in steps if not isinstance(step, PartialAnswer)} == {prepared.plan.n_windows}
    run = from_run(answer, view, prepared.checkpoint.labels)
    assert run.labels.shape == view.shape and run.n_stages == 3 and steps[-1].done == prepared.plan.n_windows
    assert run.report["n_stages"] == 3 and run.seconds_per_window is not None
    (click,) = backend.click(view, choices, [((10, 14, 16), True)], silent, CancelToken())
    result = with_click(None, click)
    assert result.labels.any() and result.tokens.array.any()
    steps.clear()
    window = backend.preview(view, choices, (10, 14, 16), part, steps.append, CancelToken())
    assert not steps, "this network's windows are ready at once"
    assert window.labels.array.shape == view.shape
    assert backend.compare(view, choices, (10, 14, 16), silent, CancelToken()).keep == (0.5, 0.5, 0.5)
    stopped = CancelToken()
    stopped.cancel()
    assert not backend.segment(view, choices, (10, 14, 16), part, silent, stopped).complete


def test_the_slice_on_screen_comes_first_where_a_network_sharpens(model: Any, tmp_path: Path) -> None:
    import torch

    from napari_scd.checkpoints import Provenance, save
    from napari_scd.model import ModelConfig, build_network
    from napari_scd.volume import LabelTable, Recipe

    torch.manual_seed(0)
    config = ModelConfig(
        out_channels=3, roi=(16, 16, 32), patch=8, embed_dim=24, depth=3, heads=2, prune_after=(0, 1),
        prune_ratio=(0.5, 0.5), completion_dim=12, completion_heads=2, features=4, min_tokens=4,
        decoder="sharp", stem="shared",
    )  # fmt: skip
    path = tmp_path / "sharp.safetensors"
    save(path, build_network(config), Recipe("MR"), LabelTable.from_names(["a", "b"]), Provenance(name="s"))
    backend, choices = Backend(), Choices(model=str(path), keep=0.5, device="cpu")
    view = geometry.look_at(model.add_image(blob(), name="mr", scale=(1, 1, 1), units="mm"))
    steps: list[Any] = []
    part = (slice(5, 6), slice(0, 28), slice(0, 32))
    window = backend.preview(view, choices, (5, 14, 16), part, steps.append, CancelToken())
    (ahead,) = (step.segmentation for step in steps)
    height, whole = (one.region[0].stop - one.region[0].start for one in (ahead, window))
    assert 1 <= height <= 4 < whole
    inside = ahead.region
    agree = ahead.labels.array[inside] == window.labels.array[inside]
    assert agree.mean() > 0.9


def test_the_shipped_promptable_model_answers_ahead(model: Any, model_file: Path) -> None:
    backend, choices = Backend(), Choices(model=str(model_file), promptable="any", device="cpu")
    view = geometry.look_at(model.add_image(blob(), name="ct", scale=(2, 1, 1), units="mm"))
    backend.warm_pointed(view, choices, (10, 14, 16), silent, CancelToken())
    before = backend._pointed.load("any")
    (answer,) = backend.prompt(view, choices, [Prompts().include((10, 14, 16))], silent, CancelToken())
    assert answer.complete and backend._pointed.load("any") is before


def test_the_wrong_modality_is_warned_of(model: Any, model_file: Path) -> None:
    ct = np.linspace(-1024, 1500, 4096).reshape(16, 16, 16)
    view = geometry.look_at(model.add_image(ct, scale=(2, 1, 1)))
    prepared = Backend().prepare(view, Choices(model=str(model_file), device="cpu"), silent, CancelToken())
    assert [text for text in prepared.warnings if "looks like CT" in text] == [prepared.warnings[-1]]


def test_a_volume_of_nan_is_bad_input(model: Any, model_file: Path) -> None:
    view = geometry.look_at(model.add_image(np.full((16, 16, 16), np.nan), scale=(2, 1, 1)))
    with pytest.raises(BadVolume):
        Backend().prepare(view, Choices(model=str(model_file), device="cpu"), silent, CancelToken())


def test_voxels_changed_in_place_are_taken_anew(model: Any, model_file: Path) -> None:
    layer = model.add_image(blob(), scale=(2, 1, 1))
    view = geometry.look_at(layer)
    backend, choices = Backend(), Choices(model=str(model_file), device="cpu")
    backend.prepare(view, choices, silent, CancelToken())
    layer.data[:] = layer.data[::-1, ::-1, ::-1].copy()
    with pytest.raises(VoxelsChanged):
        backend.click(view, choices, [((3, 4, 5), False)], silent, CancelToken())
    again = replace(view, version=1)
    assert backend.click(again, choices, [((3, 4, 5), False)], silent, CancelToken())
