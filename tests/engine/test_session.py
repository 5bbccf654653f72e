"""A session: what it refuses, plans, reports, remembers and returns."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_scd.engine import CancelToken, Request, Session, choose_hardware
from napari_scd.engine.cache import ByteCache
from napari_scd.engine.predict import Predictor
from napari_scd.engine.run import Run
from napari_scd.errors import InputError, NeedsPoint, OutOfMemory
from napari_scd.volume import LabelTable, Recipe, Source, Volume

EXACT = Request(precision="float32")


def volume(shape=(24, 28, 20), seed=0, spacing_mm=(1.0, 1.0, 1.0)) -> Volume:
    """Noise in numbers that half precision holds exactly."""
    array = np.random.default_rng(seed).random(shape).astype(np.float16).astype(np.float32)
    return Volume(array, np.diag([*spacing_mm, 1.0]))


class Cancelling:
    """Progress callback that cancels after some windows and keeps what it heard."""

    def __init__(self, after: int) -> None:
        self.after, self.token, self.heard = after, CancelToken(), []

    def __call__(self, progress) -> None:
        self.heard.append(progress)
        if progress.done >= self.after:
            self.token.cancel()


def test_nothing_works_without_a_volume(thresholder) -> None:
    session = thresholder()
    for ask in (
        session.plan,
        session.segment,
        lambda: session.click((0, 0, 0)),
        lambda: session.preview(centre_index=(0, 0, 0)),
    ):
        with pytest.raises(InputError, match="No volume yet"):
            ask()


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((2, 8, 8, 8), np.float32), "has 2 channels, but this model needs 1 channel"),
        (np.full((8, 8, 8), np.nan, np.float32), "no finite value"),
        (np.full((8, 8, 8), np.inf), "no finite value"),
        (np.full((8, 8, 8), 1e300), "no finite value"),
    ],
)
def test_volumes_that_cannot_be_used_leave_the_former_one(thresholder, array, sentence) -> None:
    session = thresholder()
    former = volume()
    session.set_volume(former)
    with pytest.raises(InputError, match=sentence):
        session.set_volume(Volume(array, np.eye(4)))
    assert session.volume is former
    assert session.segment().labels.array.shape == former.array.shape


def test_a_volume_of_absurd_extent_is_refused(thresholder) -> None:
    session = thresholder(Recipe("MR", normalisation="none", spacing_mm=(1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match="check its voxel size"):
        session.set_volume(Volume(np.zeros((8, 8, 8), np.float32), np.diag([1e3, 1e3, 1e3, 1])))


def test_some_non_finite_voxels_become_the_minimum_with_a_warning(thresholder) -> None:
    array = np.full((16, 16, 16), 1.0, np.float32)
    array[0] = -3.0
    array[5, 5, 5], array[6, 6, 6], array[7, 7, 7] = np.nan, np.inf, -np.inf
    session = thresholder()
    session.set_volume(Volume(array, np.eye(4), warnings=("Orientation unknown.",)))
    result = session.segment()
    assert session.warnings[0] == "Orientation unknown."
    assert "3 voxels were not finite" in session.warnings[1]
    assert result.report.warnings == session.warnings
    assert result.labels.array[5, 5, 5] == result.labels.array[6, 6, 6] == 0
    assert result.labels.array.sum() == 15 * 256 - 3
    assert np.isnan(array[5, 5, 5]), "the user's array is not touched"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, ">i2", np.float64, np.float16])
def test_number_types(thresholder, dtype) -> None:
    array = (volume().array > 0.5).astype(dtype)
    session = thresholder()
    session.set_volume(Volume(array[:, ::-1], np.eye(4)))
    np.testing.assert_array_equal(session.segment().labels.array, array[:, ::-1].astype(int))


def test_a_read_only_array_is_neither_changed_nor_needed_writable(thresholder) -> None:
    array = volume().array
    array.setflags(write=False)
    session = thresholder()
    session.set_volume(Volume(array, np.eye(4)))
    assert session.segment().complete


def test_parts_that_do_not_belong_together(thresholder, tiny_network) -> None:
    with pytest.raises(InputError, match="names 2 channels"):
        Session(tiny_network(), Recipe("MR", channels=("t1", "t2")), LabelTable.from_names(["a"]))
    for names in (["a", "b", "c"], ["a"], {1: "a", 3: "b"}):
        with pytest.raises(InputError, match="must name the ids 1 to 2"):
            Session(tiny_network(), Recipe("MR"), LabelTable.from_names(names))


def test_a_promptable_network_has_three_channels_more_than_its_recipe(tiny_network) -> None:
    table = LabelTable.from_names(["object"])
    network = tiny_network(in_channels=4, out_channels=1)
    recipe = Recipe("any", normalise_over="window", activation="sigmoid", field="prompt")
    session = Session(network, recipe, table)
    session.set_volume(volume())
    assert session.volume is not None
    with pytest.raises(InputError, match="names 1 channels and takes prompts, but the network takes 2"):
        Session(tiny_network(in_channels=2, out_channels=1), recipe, table)
    with pytest.raises(InputError, match="normalise_over 'window'"):
        Session(network, replace(recipe, normalise_over="volume"), table)


def test_plan_says_what_a_run_would_do(thresholder) -> None:
    session = thresholder(Recipe("MR", normalisation="none", spacing_mm=(2.0, 1.0, 1.0)))
    session.set_volume(volume())
    plan = session.plan(Request(stride=16))
    assert plan.grid_shape == (16, 28, 20)
    assert plan.n_windows == 1 * 2 * 2
    assert plan.spacing_mm == (2.0, 1.0, 1.0)
    assert plan.tokens == (64, 32, 16)
    assert plan.seconds is None
    result = session.segment(Request(stride=16))
    assert result.report.n_windows == plan.n_windows
    assert session.plan(Request(stride=16)).seconds > 0
    assert session.plan().seconds > session.plan(Request(stride=16)).seconds
    with pytest.raises(InputError, match="multiple of 4"):
        session.plan(Request(stride=3))


def test_progress_counts_every_window(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume())
    heard = []
    result = session.segment(Request(batch=3), progress=heard.append)
    total = result.report.n_windows
    assert [progress.done for progress in heard] == list(range(total + 1))
    assert {progress.total for progress in heard} == {total}
    assert heard[0].seconds_left is None and heard[-1].seconds_left == 0
    assert heard[-1].message.startswith(f"window {total} of {total}")


def test_batches_change_nothing(tiny_network) -> None:
    results = []
    for batch in (1, 2, 5):
        session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
        session.set_volume(volume())
        results.append(session.segment(Request(precision="float32", batch=batch, probability=True)))
    for other in results[1:]:
        np.testing.assert_allclose(other.probability.array, results[0].probability.array, atol=2e-3)
        np.testing.assert_array_equal(other.tokens.array, results[0].tokens.array)


def test_cancel_keeps_what_was_finished(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume((40, 20, 20)))
    whole = session.segment(Request(stride=8))
    stop = Cancelling(after=5)
    part = session.segment(Request(stride=8), progress=stop, cancel=stop.token)
    assert whole.complete and not part.complete
    assert part.report.n_windows == 5 < part.report.n_windows_planned == whole.report.n_windows
    computed = part.labels.array > 0
    assert computed.any()
    np.testing.assert_array_equal(part.labels.array[computed], whole.labels.array[computed])
    assert (part.tokens.array == 0).any() and (whole.tokens.array > 0).all()
    assert np.isnan(part.scores.array[part.tokens.array == 0]).all()
    assert not part.labels.array[30:].any()


def test_cancel_before_the_start(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume())
    token = CancelToken()
    token.cancel()
    result = session.segment(cancel=token)
    assert not result.complete and result.report.n_windows == 0
    assert not result.labels.array.any() and not result.tokens.array.any()
    click = session.click((8, 8, 8), cancel=token)
    assert not click.segmentation.complete and click.label == 0


def test_only_some_structures(thresholder) -> None:
    session = thresholder(names=("dim", "bright"), levels=(0.3, 0.7))
    session.set_volume(volume())
    everything = session.segment().labels.array
    assert set(np.unique(everything)) == {0, 1, 2}
    only = session.segment(Request(structures=(2,)))
    np.testing.assert_array_equal(only.labels.array, np.where(everything == 2, 2, 0))
    assert only.report.volumes_ml["dim"] == 0


def test_probability(thresholder) -> None:
    session = thresholder()
    session.set_volume(Volume(volume().array[::-1], np.diag([-1.0, 1, 1, 1])))
    result = session.segment(Request(probability=True))
    probability = result.probability.array
    assert probability.shape == (2, 24, 28, 20) and probability.dtype == np.float16
    np.testing.assert_allclose(probability.astype(float).sum(axis=0), 1, atol=2e-3)
    clear = np.abs(probability[0].astype(float) - 0.5) > 1e-3
    np.testing.assert_array_equal(probability.argmax(axis=0)[clear], result.labels.array[clear])
    np.testing.assert_array_equal(result.probability.affine, result.labels.affine)
    assert session.segment().probability is None


def test_overlapping_classes_become_a_label_map_by_precedence(thresholder) -> None:
    array = np.zeros((16, 16, 16), np.float32)
    array[:8], array[8:12] = 0.4, 0.9
    for precedence, expected in [((2, 1), (1, 2)), ((), (1, 1)), ((2,), (1, 2))]:
        recipe = Recipe("MR", normalisation="none", activation="sigmoid", precedence=precedence)
        session = thresholder(recipe, names=("whole", "core"), levels=(0.3, 0.7))
        session.set_volume(Volume(array, np.eye(4)))
        labels = session.segment(Request(probability=True)).labels.array
        assert (labels[0, 0, 0], labels[8, 0, 0], labels[15, 0, 0]) == (*expected, 0)


def test_several_channels(thresholder) -> None:
    recipe = Recipe("MR", normalisation="none", channels=("t1", "t2"))
    session = thresholder(recipe, in_channels=2)
    array = np.stack([volume().array, volume(seed=1).array])
    session.set_volume(Volume(array, np.eye(4)))
    labels = session.segment().labels
    np.testing.assert_array_equal(labels.array, array[0] > 0.5)
    with pytest.raises(InputError, match="has 1 channel, but this model needs 2 channels"):
        session.set_volume(volume())


def test_a_click_model_segments_a_crop_and_refuses_more(thresholder) -> None:
    session = thresholder(Recipe("MR", normalisation="none", field="click"))
    crop = volume((12, 16, 9))
    session.set_volume(crop)
    np.testing.assert_array_equal(session.segment().labels.array, crop.array > 0.5)
    session.set_volume(volume((12, 17, 9)))
    with pytest.raises(NeedsPoint) as caught:
        session.segment()
    assert caught.value.model == "model"


def test_windows_are_normalised_as_in_training(thresholder) -> None:
    """Padding takes the volume's minimum before the window is normalised."""
    recipe = Recipe("MR", normalise_over="window", normalisation="zscore")
    session = thresholder(recipe)
    crop = Volume(volume((12, 16, 9)).array * 100 + 7, np.eye(4))
    session.set_volume(crop)
    seen = []
    network = session._model.network
    prefix = network.prefix
    network.prefix = lambda image: (seen.append(image.clone()), prefix(image))[1]
    session.segment()
    raw = np.pad(crop.array, [(2, 2), (0, 0), (3, 4)], constant_values=crop.array.min())
    expected = (raw - raw.mean()) / raw.std()
    np.testing.assert_allclose(seen[0][0, 0].numpy(), expected, atol=1e-4)


def test_a_report_is_json_with_everything(thresholder) -> None:
    session = thresholder(names=("bright", "never"), levels=(0.5, 2.0))
    array = np.zeros((20, 20, 20), np.float32)
    array[2:4, 2:7, 2:12] = 1
    session.set_volume(Volume(array, np.diag([2.0, 1, 1, 1]), Source("scan.nii.gz")))
    report = json.loads(json.dumps(session.segment(Request(keep=0.25)).report.to_dict(), allow_nan=False))
    assert report["volumes_ml"] == {"bright": 0.2, "never": 0}
    assert report["voxels"] == {"bright": 100, "never": 0}
    assert report["source"] == "scan.nii.gz"
    assert report["keep"] == [0.25, 0.25]
    assert report["tokens"] == [64, 16, 4]
    assert report["stride"] == [8, 8, 8] and report["roi"] == [16, 16, 16] and report["patch"] == 4
    assert (report["n_windows"], report["n_windows_blank"], report["macs"]) == (8, 3, 5000)
    assert report["encoder_macs_saved"] == pytest.approx(0.4)
    assert set(report["seconds"]) == {"prefix", "rest", "other", "total"}
    assert report["seconds"]["total"] > 0
    assert {"napari-scd", "torch", "monai"} <= set(report["versions"])
    assert report["complete"] is True and report["device"] in ("cpu", "cuda", "mps")


def test_a_cached_prefix_gives_the_same_result(tiny_network) -> None:
    session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    session.set_volume(volume())
    first = session.segment(Request(keep=0.5, precision="float32", probability=True))
    assert first.report.cache.hits == 0
    again = session.segment(Request(keep=0.5, precision="float32", probability=True))
    assert again.report.cache.hits == first.report.n_windows
    np.testing.assert_allclose(again.probability.array, first.probability.array, atol=1e-3)
    np.testing.assert_array_equal(again.tokens.array, first.tokens.array)
    fresh = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]), cache_bytes=0)
    fresh.set_volume(volume())
    other = Request(keep=0.1, precision="float32", probability=True)
    np.testing.assert_allclose(
        session.segment(other).probability.array, fresh.segment(other).probability.array, atol=1e-3
    )
    assert fresh.segment(other).report.cache == (0, 2 * first.report.n_windows, 0, 0)


def test_the_cache_forgets_a_former_volume(tiny_network) -> None:
    session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    session.set_volume(volume(seed=0))
    session.segment(EXACT)
    session.set_volume(volume(seed=1))
    changed = session.segment(EXACT)
    fresh = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    fresh.set_volume(volume(seed=1))
    np.testing.assert_array_equal(changed.tokens.array, fresh.segment(EXACT).tokens.array)
    assert changed.report.cache.hits == 0


def test_half_precision_runs_hold_half_the_bytes_and_answer_alike_from_memory(tiny_network) -> None:
    session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    session.set_volume(volume())
    full = session.segment(EXACT).report.cache.n_bytes
    session.set_volume(volume())
    half = Request(precision="bfloat16", probability=True)
    first = session.segment(half)
    assert first.report.cache.n_bytes == full / 2
    again = session.segment(half)
    assert again.report.cache.hits == first.report.n_windows
    np.testing.assert_array_equal(again.probability.array, first.probability.array)


def test_precisions_do_not_share_a_cache(tiny_network) -> None:
    session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    session.set_volume(volume())
    session.segment(EXACT)
    assert session.segment(Request(precision="bfloat16")).report.cache.hits == 0


def test_one_window_through_the_session_equals_the_network(tiny_network) -> None:
    network = tiny_network()
    session = Session(network, Recipe("MR"), LabelTable.from_names(["a", "b"]))
    scan = volume((16, 16, 16))
    session.set_volume(scan)
    image = torch.from_numpy((scan.array - scan.array.mean()) / scan.array.std())[None, None]
    with torch.inference_mode():
        logits, trace = network(image, 0.3, True)
    result = session.segment(Request(keep=0.3, precision="float32"))
    np.testing.assert_array_equal(result.labels.array, logits[0].argmax(0).numpy())
    np.testing.assert_array_equal(result.tokens.array.ravel(), trace.exit_stage[0].numpy())
    np.testing.assert_allclose(result.stage_scores.reshape(2, -1), trace.scores[0].numpy(), atol=1e-5)
    np.testing.assert_array_equal(result.scores.array, result.stage_scores[0])


def test_a_network_without_stages(tiny_network) -> None:
    sizes = {"prune_after": (), "prune_ratio": (), "pruning": "none", "completion": "none"}
    session = Session(tiny_network(**sizes), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    session.set_volume(volume())
    result = session.segment(Request(keep=0.5))
    assert (result.tokens.array == 1).all()
    assert np.isnan(result.scores.array).all()
    assert result.stage_scores.shape == (0, *result.tokens.array.shape)
    assert result.report.keep == ()


@pytest.mark.parametrize("spacing_mm", [None, (1.5, 1.5, 1.5)])
def test_a_preview_is_one_window_of_the_whole(thresholder, spacing_mm) -> None:
    session = thresholder(Recipe("MR", normalisation="none", spacing_mm=spacing_mm))
    scan = Volume(volume((40, 33, 47)).array[:, ::-1].transpose(1, 0, 2), np.diag([1.0, -1.0, 1.0, 1.0]))
    session.set_volume(scan)
    whole = session.segment()
    n_prefix = session._model.network.n_prefix
    part = session.preview(Request(keep=0.25), centre_index=(5, 20, 30))
    assert session._model.network.n_prefix == n_prefix, "the prefix comes from the cache"
    assert part.complete and part.report.n_windows == part.report.n_windows_planned == 1
    assert part.labels.array.shape == scan.array.shape
    inside = np.zeros(scan.array.shape, bool)
    inside[part.region] = True
    assert inside[5, 20, 30] and not inside.all()
    assert not part.labels.array[~inside].any()
    inner = np.zeros_like(inside)
    inner[tuple(slice(s.start + 2, s.stop - 2) for s in part.region)] = True
    np.testing.assert_array_equal(part.labels.array[inner], whole.labels.array[inner])
    known = part.tokens.array > 0
    assert known.sum() <= 64
    np.testing.assert_array_equal(part.tokens.array[known], whole.tokens.array[known])
    np.testing.assert_array_equal(part.tokens.affine, whole.tokens.affine)


def test_previews_at_the_same_keep_answer_from_memory(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume())
    session.preview(Request(keep=0.25), centre_index=(5, 20, 10))
    n_rest = session._model.network.n_rest
    session.preview(Request(keep=0.25), centre_index=(5, 20, 10))
    assert session._model.network.n_rest == n_rest
    session.preview(Request(keep=0.3), centre_index=(5, 20, 10))
    assert session._model.network.n_rest == n_rest + 1


def test_errors_of_the_network_come_out(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume())
    session._model.network.rest = lambda *_, **__: (_ for _ in ()).throw(RuntimeError("shape"))
    with pytest.raises(RuntimeError, match="shape"):
        session.segment()


def test_windows_of_air_cost_nothing_and_change_nothing(tiny_network) -> None:
    array = np.full((56, 16, 16), -1.0, np.float32)
    array[:16] = volume((16, 16, 16)).array
    request = Request(precision="float32", probability=True, batch=2)
    session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["a", "b"]))
    session.set_volume(Volume(array, np.eye(4)))
    short = session.segment(request)
    assert (short.report.n_windows, short.report.n_windows_blank) == (6, 3)
    assert short.report.cache.misses == 3
    prepared = session._loaded.prepared
    hardware, starts = choose_hardware(request), prepared.grid.starts(prepared.grid.stride_for(None))

    def answers(chosen):
        return list(Predictor(session._model.network, prepared, hardware, None, ByteCache(0), 0).run(chosen))

    for skipped, start in zip(answers(starts), starts, strict=True):
        (computed,) = answers([start])
        assert skipped.start == computed.start
        torch.testing.assert_close(skipped.logits, computed.logits, atol=1e-4, rtol=1e-4)
        np.testing.assert_array_equal(skipped.exit_stage, computed.exit_stage)


def test_running_out_of_memory_halves_the_batch(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume())
    network = session._model.network
    rest = network.rest

    def hungry(prefix, *args, **kwargs):
        if len(prefix.tokens) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return rest(prefix, *args, **kwargs)

    network.rest = hungry
    result = session.segment(Request(batch=8))
    assert result.complete and max(network.batches) == 2
    np.testing.assert_array_equal(result.labels.array, volume().array > 0.5)

    def starved(*_, **__):
        raise torch.OutOfMemoryError("out of memory")

    network.rest = starved
    session.set_volume(volume())
    with pytest.raises(OutOfMemory) as caught:
        session.segment()
    assert caught.value.device == "cpu"


@pytest.mark.parametrize(
    "problem", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_may_run_out_anywhere(thresholder, monkeypatch, problem) -> None:
    session = thresholder()
    session.set_volume(volume())

    def starved(*_):
        raise problem

    monkeypatch.setattr(Run, "sink", starved)
    with pytest.raises(OutOfMemory):
        session.segment()


@pytest.mark.parametrize("spacing_mm", [None, (1.5, 1.5, 1.5)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_part_gets_the_labels_of_a_whole_run_from_its_own_windows(tiny_network, axis, spacing_mm) -> None:
    recipe = Recipe("MR", normalisation="none", spacing_mm=spacing_mm)
    session = Session(tiny_network(), recipe, LabelTable.from_names(["a", "b"]))
    session.set_volume(volume((40, 44, 48)))
    whole = session.segment(EXACT)
    part = tuple(slice(5, 6) if i == axis else slice(None) for i in range(3))
    session.set_volume(session.volume)  # forget
    some = session.segment(EXACT, within=part)
    assert some.complete and 0 < some.report.n_windows < whole.report.n_windows
    np.testing.assert_array_equal(some.labels.array[part], whole.labels.array[part])
    assert all(region.start <= (wanted.start or 0) for region, wanted in zip(some.region, part, strict=True))
    outside = np.ones(whole.labels.array.shape, bool)
    outside[some.region] = False
    assert not some.labels.array[outside].any() and outside.any()


def test_the_windows_of_a_part_are_not_run_again(thresholder) -> None:
    session = thresholder()
    session.set_volume(volume((40, 24, 24)))
    plain = session.segment(EXACT)
    session.set_volume(session.volume)
    network = session._model.network
    before = network.n_rest
    part = session.segment(EXACT, within=(slice(20, 21), slice(None), slice(None)))
    whole = session.segment(EXACT)
    assert network.n_rest - before == whole.report.n_windows > part.report.n_windows
    np.testing.assert_array_equal(whole.labels.array, plain.labels.array)
    np.testing.assert_array_equal(whole.tokens.array, plain.tokens.array)
    cancelling = Cancelling(1)
    stopped = session.segment(EXACT, progress=cancelling, cancel=cancelling.token)
    assert not stopped.complete, "answers from memory stop too"


@pytest.mark.parametrize(
    "within",
    [(slice(0, 4),), (slice(0, 4), slice(4, 4), slice(None)), (slice(0, 9, 2), slice(0, 1), slice(0, 1))],
)
def test_a_part_that_is_none(thresholder, within) -> None:
    session = thresholder()
    session.set_volume(volume())
    with pytest.raises(InputError, match="three non-empty slices without steps"):
        session.segment(within=within)
