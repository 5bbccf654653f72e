"""Validation: Dice of whole cases, whatever windows they were cut into."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from lightning_fabric import Fabric

from napari_scd.model import Prefix
from napari_scd.training.data.cases import Case
from napari_scd.training.run.validate import Validation, score_of, validate
from napari_scd.volume import LabelTable


class Oracle(torch.nn.Module):
    """Reads the label off the image; at keep ratios below 1 it finds nothing."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def prefix(self, image):
        return Prefix(image, image)

    def rest(self, prefix, keep):
        ids = torch.arange(self.outputs).view(1, -1, 1, 1, 1)
        logits = -((prefix.tokens.round() - ids) ** 2).float()
        return logits if keep == 1 else -ids.float().expand_as(logits)


@pytest.fixture
def fabric():
    return Fabric(accelerator="cpu", devices=1)


def _case(labels, offset=0.0):
    present = tuple(value for value in labels.unique().tolist() if value)
    image = labels[None].float() - offset
    floor = torch.full((1, 1, 1, 1), offset)
    return Case("c", image, floor, labels[None], torch.zeros(0, 4, dtype=torch.int16), present)


def test_a_perfect_answer_scores_one_and_none_scores_zero(config, fabric):
    labels = torch.randint(0, 3, (20, 33, 16), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    validation = validate(Oracle(3), [_case(labels)], config, fabric)
    assert validation.mean == {"dice@1": 1.0, "dice@0.5": 0.0}
    assert validation.structures["dice@1"] == {"liver": 1.0, "spleen": 1.0}


def test_what_no_case_holds_does_not_count(config, fabric):
    labels = torch.zeros(16, 16, 16, dtype=torch.uint8)
    labels[4:8] = 1
    validation = validate(Oracle(3), [_case(labels)], config, fabric)
    assert validation.mean["dice@1"] == 1.0
    assert math.isnan(validation.structures["dice@1"]["spleen"])


def test_false_alarms_in_empty_windows_count(config, fabric):
    labels = torch.zeros(16, 16, 32, dtype=torch.uint8)
    labels[:, :, :8] = 1
    case = _case(labels)
    case.image[..., 24:] = 1
    validation = validate(Oracle(3), [case], config, fabric)
    assert validation.structures["dice@1"]["liver"] == pytest.approx(2 / 3)


def test_regions_count_by_themselves(config, fabric):
    class Everywhere(Oracle):
        def rest(self, prefix, keep):
            return torch.ones(1, 2, 16, 16, 16)

    config = dataclasses.replace(
        config,
        recipe=dataclasses.replace(config.recipe, activation="sigmoid"),
        table=LabelTable.from_names(["half", "all"]),
        values=((1,), (1, 2)),
    )
    labels = torch.full((16, 16, 16), 2, dtype=torch.uint8)
    labels[:8] = 1
    validation = validate(Everywhere(2), [_case(labels)], config, fabric)
    assert validation.structures["dice@1"] == {"half": pytest.approx(2 / 3), "all": 1.0}


def test_it_can_be_stopped(config, fabric):
    labels = torch.ones(16, 16, 64, dtype=torch.uint8)
    assert validate(Oracle(3), [_case(labels)], config, fabric, lambda: True) is None


def test_nothing_measured_is_never_the_best():
    assert score_of(Validation({"dice@1": math.nan}, {})) == -math.inf
    assert score_of(Validation({"dice@1": 0.4, "dice@0.5": 0.2}, {})) == pytest.approx(0.3)
