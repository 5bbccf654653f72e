"""Losses: labels that exclude each other, regions that overlap, tokens."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceCELoss

from napari_scd.model import ModelConfig, Trace
from napari_scd.training.config.sections import LossConfig
from napari_scd.training.run.loss import SegmentationLoss, masks_of, region_table

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
