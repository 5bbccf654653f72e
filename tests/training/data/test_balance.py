"""Class weights from the voxels of the training cases."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_scd.training.data.balance import balanced, weights_of
from napari_scd.training.data.cases import load_cases
from napari_scd.training.data.listing import list_cases


def test_rare_structures_weigh_more():
    voxels = torch.tensor([9000.0, 90.0, 900.0, 0.0, 1.0])
    assert weights_of(voxels, 0.5) == (1.0, 10.0, pytest.approx(3.162), 1.0, 40.0)
    assert weights_of(voxels, 0.0) == (1.0,) * 5


def test_they_fill_in_what_the_file_leaves_out(config, tmp_path):
    cases = load_cases(list_cases(config.data)[0], config, tmp_path)
    filled = balanced(config.loss, cases, config)
    labels = torch.cat([case.label.flatten() for case in cases]).long()
    assert filled.class_weights == weights_of(torch.bincount(labels).double(), 0.5)
    assert 1 < filled.class_weights[1] < filled.class_weights[2]


@pytest.mark.parametrize("loss", [{"class_weights": (1.0, 2.0, 3.0)}, {"balance": 0.0}])
def test_the_file_has_the_last_word(config, tmp_path, loss):
    given = dataclasses.replace(config.loss, **loss)
    assert balanced(given, [], config) == given
