from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_scd.ablation import (
    VARIANTS,
    StoppedRun,
    VariantResult,
    VariantRow,
    chosen_variants,
    common_start,
    configured,
    dice_grid,
    preset_config,
    preset_names,
    run_variant,
    seed_noise,
    small_cases,
)
from napari_scd.ablation.tables import AblationHeading, to_markdown
from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.training import Notice, StartsFrom, config_from_dict
from napari_scd.training.data.batches import BatchMaker
from napari_scd.training.data.cases import load_case, load_cases
from napari_scd.training.data.listing import list_cases
from napari_scd.training.run.initial import start_from
from napari_scd.volume import read_labels, read_volume


def test_variants_differ_in_pruning_and_completion_alone(config) -> None:
    own = {variant.name: configured(config, variant, 3, (1.0, 0.5)) for variant in VARIANTS}
    assert len(own) == 9
    for name, one in own.items():
        build_network(one.model)
        assert (one.steps, one.seed, one.validate_every) == (config.steps, 3, config.steps)
        same = replace(
            one.model,
            **{
                key: getattr(config.model, key)
                for key in ("pruning", "completion", "prune_after", "prune_ratio")
            },
        )
        assert same == config.model, name
    assert own["dense"].model.n_stages == 0
    assert own["control"].model.completion == "zero"
    assert own["dense"].validate_keep == own["control"].validate_keep == (1.0,)
    assert own["stp+mask"].validate_keep == (1.0, 0.5)


@pytest.mark.parametrize(
    "sizes",
    [
        {"preset": "house-8", "roi": [32, 32, 32]},
        {"preset": "house-12", "roi": [32, 32, 32], "depth": 7},
        {"preset": "house-4", "prune_ratio": [0.9, 0.2, 0.0]},
        {"prune_ratio": [0.7], "prune_after": [1], "preset": "house-8", "depth": 3, "roi": [32, 32, 32]},
        {"preset": "house-4", "pruning": "topk", "completion": "mask"},
        {"preset": "house-4", "pruning": "attention", "completion": "zero", "completion_dim": 48},
        {"preset": "house-4", "completion": "mta-plain", "completion_dim": 192},
        {"preset": "paper-btcv", "roi": [32, 32, 32], "depth": 9, "embed_dim": 96, "features": 2},
    ],
)
def test_a_training_file_of_any_network_with_stages_gives_all_variants(data_folder, values, sizes) -> None:
    own = config_from_dict({**values, "model": sizes}, data_folder)
    dense, *others = (configured(own, variant, 0, (1.0, 0.5)).model for variant in VARIANTS)
    assert (dense.pruning, dense.prune_after, dense.prune_ratio) == ("none", (), ())
    assert dense.completion == "mta"
    for model in others:
        assert (model.prune_after, model.prune_ratio) == (own.model.prune_after, own.model.prune_ratio)
    for model in (dense, *others):
        kept = {"pruning": "stp", "completion": "mta", "prune_after": (0,), "prune_ratio": (0.5,)}
        assert replace(model, **kept) == replace(own.model, **kept)
        build_network(model)


def test_all_variants_see_the_same_windows(config, tmp_path) -> None:
    small = small_cases(config, tmp_path / "cases")
    cases = load_cases(list_cases(small.data)[0], small, tmp_path / "memory")
    makers = [BatchMaker(cases, configured(small, variant, 3, (1.0,))) for variant in VARIANTS]
    for step in (0, 7):
        first, *rest = (maker.batch(step) for maker in makers)
        keeps = {batch.keep for batch in rest}
        assert len(keeps) == 1, "those with stages draw the same keep ratio"
        assert first.keep == 1.0
        for batch in rest:
            assert torch.equal(batch.image, first.image)
            assert torch.equal(batch.label, first.label)


def test_all_variants_start_from_the_same_weights(config) -> None:
    start = common_start(config, 3)
    for variant in VARIANTS:
        network = build_network(configured(config, variant, 3, (1.0,)).model)
        notice = start_from(network, start)
        for key, weight in network.state_dict().items():
            if key in start.weights:
                assert torch.equal(weight, start.weights[key]), (variant.name, key)
            else:
                assert key.startswith(("encoder.scorers", "completion")), (variant.name, key)
        assert notice.model == start.name
    again, other = common_start(config, 3), common_start(config, 4)
    assert all(torch.equal(again.weights[key], weight) for key, weight in start.weights.items())
    assert any(not torch.equal(other.weights[key], weight) for key, weight in start.weights.items())


def test_unknown_variants_are_named() -> None:
    assert [variant.name for variant in chosen_variants(("control", "dense"))] == ["dense", "control"]
    with pytest.raises(InputError, match="no variant 'best'"):
        chosen_variants(("best",))


def test_small_cases_are_what_the_trainer_would_have_made(config, values, tmp_path) -> None:
    small = small_cases(config, tmp_path / "cases")
    assert len(small.data.training) == 2
    assert len(small.data.validation) == 1
    for once, anew in zip(list_cases(small.data)[0], list_cases(config.data)[0], strict=True):
        first, second = load_case(once, small), load_case(anew, config)
        assert np.array_equal(first.label, second.label)
        assert np.allclose(first.image, second.image, atol=1e-3)
    image = read_volume(tmp_path / "cases" / "images" / "case0.nii.gz")
    assert image.same_grid(read_labels(tmp_path / "cases" / "labels" / "case0.nii.gz"))
    small_cases(config, tmp_path / "cases")
    other = replace(config, recipe=replace(config.recipe, spacing_mm=(8.0, 8.0, 8.0)))
    with pytest.raises(InputError, match="another ablation"):
        small_cases(other, tmp_path / "cases")
    with pytest.raises(InputError, match="held back"):
        small_cases(replace(config, data=replace(config.data, holdout=0)), tmp_path / "none")
    drawn = config_from_dict({**values, "synthesis": {"outside": [2]}}, tmp_path)
    with pytest.raises(InputError, match="draws its images.*measured on real ones"):
        small_cases(drawn, tmp_path / "none")


def test_a_run_is_found_again_and_another_one_refused(config, options, tmp_path, monkeypatch) -> None:
    variant = chosen_variants(("random+mask",))[0]
    own = configured(config, variant, 0, (1.0, 0.5))
    said: list[Notice] = []
    start = replace(options, init=common_start(config, 0))
    result = run_variant(variant, own, start, tell=said.append)
    assert said and not any(isinstance(notice, StartsFrom) for notice in said)
    assert isinstance(result, VariantResult)
    assert set(result.dice) == {1.0, 0.5}
    assert set(result.structures[0.5]) == {"liver", "spleen"}
    monkeypatch.setattr("napari_scd.ablation.runs.train", lambda *_: pytest.fail("trained twice"))
    assert run_variant(variant, own, options) == result
    with pytest.raises(InputError, match="another configuration"):
        run_variant(variant, replace(own, lr=0.5), options)
    written = tmp_path / own.name / "outcome.json"
    written.write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        run_variant(variant, own, options)


def test_a_stopped_run_goes_on(config, options) -> None:
    variant = chosen_variants(("stp+mta",))[0]
    own = configured(config, variant, 0, (1.0,))
    assert run_variant(variant, own, replace(options, max_minutes=0.0)) == StoppedRun(0, 0)
    assert isinstance(run_variant(variant, own, options), VariantResult)


def test_presets_are_complete(data_folder, tmp_path) -> None:
    assert preset_names() == ("abdomen", "hippocampus", "quick")
    data = {kind: str(data_folder / kind) for kind in ("images", "labels")}
    for name in preset_names():
        for variant in VARIANTS:
            build_network(configured(preset_config(name, data, tmp_path), variant, 0, (1.0,)).model)
    assert (
        preset_config("quick", data, tmp_path).table.names
        == preset_config("abdomen", data, tmp_path).table.names
    )
    with pytest.raises(InputError, match="needs its data"):
        preset_config("abdomen", {}, tmp_path)
    with pytest.raises(InputError, match="no preset"):
        preset_config("brain", data, tmp_path)


def test_seeds_show_their_range() -> None:
    def line(variant, keep, elastic, low=0.5, high=0.7, seeds=2):
        return VariantRow(
            variant, keep, (low + high) / 2, low, high, seeds, {"liver": 0.6}, 0.01, 10, elastic
        )

    lines = [line("dense", 1.0, False), line("stp+mta", 1.0, True), line("stp+mta", 0.25, True, 0.4, 0.4, 1)]
    assert dice_grid(lines) == [
        ["variant", "keep 1", "keep 0.25"],
        ["dense", "0.600 [0.500, 0.700]", ""],
        ["stp+mta", "0.600 [0.500, 0.700]", "0.400"],
    ]
    heading = AblationHeading(
        "organs", 3, 1, 100, 2, (0, 1), "cpu", "float32", 1, "napari-scd ablate organs.yaml"
    )
    text = to_markdown(heading, lines)
    assert "2 seeds" in text
    assert "| stp+mta | 0.600 |" in text
    assert "keep 0.25" in text
    assert "One seed cannot show" in text


def test_what_seeds_and_variants_explain_is_no_chance() -> None:
    def run(variant, seed, dice):
        return VariantResult(variant, seed, 10, {1.0: dice - 0.01, 0.5: dice + 0.01}, {}, 1.0)

    assert seed_noise([run("dense", 0, 0.5), run("stp+mta", 0, 0.6)]) is None
    assert seed_noise([run("dense", 0, 0.5), run("dense", 1, 0.6)]) is None
    even = [run("dense", 0, 0.5), run("dense", 1, 0.6), run("stp+mta", 0, 0.4), run("stp+mta", 1, 0.5)]
    assert seed_noise(even) == pytest.approx((0.0, 0.0), abs=1e-9)
    uneven = [*even[:3], run("stp+mta", 1, 0.54)]
    assert seed_noise(uneven) == pytest.approx((0.02, 12.706 * 0.02), rel=1e-3)
    heading = AblationHeading(
        "organs", 3, 1, 100, 2, (0, 1), "cpu", "float32", 1, "napari-scd ablate organs.yaml"
    )
    line = VariantRow("dense", 1.0, 0.5, 0.5, 0.5, 2, {"liver": 0.6}, 0.01, 10, False)
    assert "from 0.254 on" in to_markdown(heading, [line], seed_noise(uneven))
