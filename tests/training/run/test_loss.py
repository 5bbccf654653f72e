"""Losses: labels that exclude each other, regions that overlap, tokens."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from monai.losses import DiceCELoss

from napari_scd.model import PRESETS, ModelConfig, Trace, build_network
from napari_scd.training.config.sections import IGNORED, LossConfig
from napari_scd.training.run.loss import SegmentationLoss, masks_of, region_table
from napari_scd.training.run.shares import label_shares
from napari_scd.training.run.step_loss import StepLoss

REGIONS = ((2, 3), (1, 2, 3), (2,))


def _model(outputs):
    return ModelConfig(
        out_channels=outputs, roi=(16, 16, 16), patch=8, embed_dim=24, heads=2, completion_dim=24
    )


def _trace(model):
    return Trace(torch.ones(2, 8, dtype=torch.long), torch.zeros(2, 3, 8), torch.randn(2, 8, model.embed_dim))


def _label(high, seed=0):
    drawn = torch.randint(0, high + 1, (2, 1, 16, 16, 16), generator=torch.Generator().manual_seed(seed))
    return drawn.to(torch.uint8)


def test_labels_are_judged_by_monai():
    model, label = _model(4), _label(3)
    logits = torch.randn(2, 4, 16, 16, 16)
    loss = SegmentationLoss(LossConfig(token=0.0), model)
    expected = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    torch.testing.assert_close(loss(logits, label, _trace(model), (1.0,) * 3), expected(logits, label))


def test_regions_overlap():
    masks = masks_of(_label(3), region_table(REGIONS))
    label = _label(3)[:, 0]
    assert torch.equal(masks[:, 0], (label == 2) | (label == 3))
    assert torch.equal(masks[:, 1], label > 0)
    assert torch.equal(masks[:, 2], label == 2)


@pytest.mark.parametrize("token", [0.0, 0.3])
def test_perfect_regions_cost_next_to_nothing(token):
    model, label = _model(3), _label(3)
    loss = SegmentationLoss(LossConfig(token=token), model, REGIONS)
    masks = masks_of(label, region_table(REGIONS)).float()
    perfect = loss(40 * masks - 20, label, _trace(model), (1.0,) * 3)
    wrong = loss(20 - 40 * masks, label, _trace(model), (1.0,) * 3)
    assert perfect < 0.01 + token
    assert wrong > perfect + 1


def test_the_token_head_learns_from_shares():
    model, label = _model(4), _label(3)
    loss = SegmentationLoss(LossConfig(dice=0.0, cross_entropy=0.0, token=1.0), model)
    trace = _trace(model)
    value = loss(torch.randn(2, 4, 16, 16, 16), label, trace, (1.0,) * 3)
    value.backward()
    assert loss.token_head.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("regions", [(), REGIONS])
@pytest.mark.parametrize(("term", "changes"), [("dice", False), ("cross_entropy", True), ("token", True)])
def test_class_weights_weigh_the_cross_entropies_only(term, changes, regions):
    outputs = len(regions) or 4
    model, label = _model(outputs), _label(3)
    terms = {"dice": 0.0, "cross_entropy": 0.0, "token": 0.0, term: 1.0}
    logits, trace = torch.randn(2, outputs, 16, 16, 16), _trace(model)
    torch.manual_seed(0)
    plain = SegmentationLoss(LossConfig(**terms), model, regions)
    weights = tuple(float(2 * i + 1) for i in range(outputs))
    weighted = SegmentationLoss(LossConfig(**terms, class_weights=weights), model, regions)
    weighted.token_head.load_state_dict(plain.token_head.state_dict())
    before, after = (loss(logits, label, trace, (1.0,) * 3).detach() for loss in (plain, weighted))
    assert (abs(float(after - before)) > 1e-4) == changes


def test_what_is_for_training_only_is_not_stored_with_regions():
    names = set(SegmentationLoss(LossConfig(), _model(3), REGIONS).state_dict())
    assert names == {"token_head.weight", "token_head.bias"}


def _loss(regions=(), **options):
    torch.manual_seed(0)
    config = LossConfig(token=0.3, class_weights=options.pop("class_weights", ()))
    return SegmentationLoss(config, _model(len(regions) or 4), regions, **options)


@pytest.mark.parametrize("class_weights", [(), (1.0, 2.0, 3.0, 4.0)])
@pytest.mark.parametrize("regions", [(), REGIONS])
def test_where_nothing_is_ignored_the_loss_is_the_same(regions, class_weights):
    class_weights = class_weights[: len(regions) or None] if class_weights else ()
    logits, label, trace = torch.randn(2, len(regions) or 4, 16, 16, 16), _label(3), _trace(_model(4))
    plain, careful = (
        _loss(regions, class_weights=class_weights, ignores=ignores) for ignores in (False, True)
    )
    expected = plain(logits, label, trace, (1.0,) * 3)
    torch.testing.assert_close(careful(logits, label, trace, (1.0,) * 3), expected)


@pytest.mark.parametrize("class_weights", [(), (1.0, 2.0, 3.0)])
@pytest.mark.parametrize("regions", [(), REGIONS])
def test_ignored_voxels_have_no_say(regions, class_weights):
    outputs = len(regions) or 4
    weights = (*class_weights, 4.0)[:outputs] if class_weights else ()
    loss = _loss(regions, class_weights=weights, ignores=True)
    label, trace = _label(3), _trace(_model(4))
    label[:, :, 5:] = IGNORED
    logits = torch.randn(2, outputs, 16, 16, 16, requires_grad=True)
    other = logits.detach().clone()
    other[:, :, 5:] = torch.randn(2, outputs, 11, 16, 16)
    value = loss(logits, label, trace, (1.0,) * 3)
    torch.testing.assert_close(loss(other, label, trace, (1.0,) * 3), value)
    value.backward()
    assert not logits.grad[:, :, 5:].any()
    assert logits.grad[:, :, :5].any()


@pytest.mark.parametrize("regions", [(), REGIONS])
def test_a_window_of_nothing_but_ignored_voxels_is_harmless(regions):
    loss = _loss(regions, ignores=True)
    label = torch.full((2, 1, 16, 16, 16), IGNORED, dtype=torch.uint8)
    value = loss(torch.randn(2, len(regions) or 4, 16, 16, 16), label, _trace(_model(4)), (1.0,) * 3)
    assert value.isfinite()


def test_structures_weigh_as_asked_in_the_dice_term():
    label, trace = _label(3), _trace(_model(4))
    logits = torch.randn(2, 4, 16, 16, 16)
    config = LossConfig(token=0.0, cross_entropy=0.0)
    each = [
        SegmentationLoss(
            config, _model(4), structure_weights=tuple(1e3 if i == k else 1e-3 for i in range(3))
        )
        for k in range(3)
    ]
    dice = [float(loss(logits, label, trace, (1.0,) * 3)) for loss in each]
    mean = SegmentationLoss(config, _model(4))(logits, label, trace, (1.0,) * 3)
    assert sum(dice) / 3 == pytest.approx(float(mean), abs=1e-4)
    doubled = SegmentationLoss(config, _model(4), structure_weights=(2.0, 1.0, 1.0))
    expected = (2 * dice[0] + dice[1] + dice[2]) / 4
    assert float(doubled(logits, label, trace, (1.0,) * 3)) == pytest.approx(expected, abs=1e-4)


def test_shares_are_those_of_pooled_masks():
    label = _label(3)
    expected = torch.nn.functional.avg_pool3d(
        torch.nn.functional.one_hot(label[:, 0].long(), 4).movedim(-1, 1).float(), (8, 4, 2)
    )
    shares = label_shares(label, 4, (2, 4, 8))
    assert torch.equal(shares, expected.flatten(2).transpose(1, 2))


@pytest.mark.parametrize(
    "preset",
    ["house-12", "house-12-half", "house-12-half-crisp", "house-4", "house-12-sharp", "house-12-crisp"],
)
def test_coarse_levels_learn(preset):
    patch = PRESETS[preset].patch
    sizes = {
        "roi": (2 * patch,) * 3,
        "embed_dim": 24,
        "heads": 2,
        "completion_dim": 12,
        "completion_heads": 2,
    }
    model = dataclasses.replace(PRESETS[preset], out_channels=4, features=2, min_tokens=1, **sizes)
    network = build_network(model)
    levels = [width for _, width in network.decoder.coarse_levels()]
    config = LossConfig(dice=0.0, cross_entropy=0.0, token=0.0, deep=1.0)
    loss = SegmentationLoss(config, model, levels=levels)
    step = StepLoss(torch.nn.ModuleDict({"network": network, "loss": loss}), model.n_stages)
    label = torch.randint(0, 4, (1, 1, *model.roi), dtype=torch.uint8)
    step(torch.randn(1, 1, *model.roi), label, 0.5).backward()
    assert len(loss.level_heads) == len(levels) >= 1
    for head, (module, _) in zip(loss.level_heads, network.decoder.coarse_levels(), strict=True):
        assert head.weight.grad.abs().sum() > 0
        assert any(weight.grad is not None and weight.grad.any() for weight in module.parameters())


def test_without_deep_supervision_nothing_is_added():
    loss = SegmentationLoss(LossConfig(), _model(4), levels=(8, 4))
    assert len(loss.level_heads) == 0
