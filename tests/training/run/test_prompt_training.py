"""A promptable model is trained from start to exported file, and goes on exactly where it was stopped."""

import csv
import dataclasses

import numpy as np
import pytest
import torch

from napari_scd.checkpoints import load
from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.training import config_from_dict, export, train
from napari_scd.training.config import IGNORED
from napari_scd.training.config.sections import LossConfig
from napari_scd.training.data.prompt_batches import PromptBatchMaker
from napari_scd.training.run.initial import Initial, start_from
from napari_scd.training.run.prompt_loss import PromptLoss, border_of


@pytest.fixture(scope="session")
def prompt_run(prompt_folder, tmp_path_factory, options):
    """A finished run, its folder and its configuration."""
    from tests.training.conftest import PROMPT_VALUES

    config = config_from_dict(PROMPT_VALUES, prompt_folder)
    folder = tmp_path_factory.mktemp("run")
    return config, folder, train(config, options(folder))


def test_a_run_is_validated_by_clicks_and_exported(prompt_run, tmp_path):
    config, folder, finished = prompt_run
    assert finished.done
    assert set(finished.validation) == {"clicks@1", "clicks@2"}
    with (folder / "validation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["structure"] for row in rows[:3]] == ["mean", "organs", "maps"]
    path = tmp_path / "point.safetensors"
    made = export(path, config, finished)
    assert set(made.metrics["dice_after"]) == {"1 click", "2 clicks"}
    assert made.metrics["dice_after_of"] == "4 validation windows"
    checkpoint = load(path)
    assert checkpoint.recipe.field == "prompt"
    assert checkpoint.network.config.in_channels == 4


def test_a_stopped_run_goes_on_exactly(prompt_run, tmp_path, options):
    config, _, undisturbed = prompt_run
    half = dataclasses.replace(config, checkpoint_seconds=0.0)
    train(half, options(tmp_path, max_minutes=1e-4))
    finished = train(half, options(tmp_path))
    assert finished.validation == undisturbed.validation
    for name, weight in finished.weights.items():
        assert torch.equal(weight, undisturbed.weights[name]), name


def test_batches_hold_what_the_user_and_the_network_said(prompt_cases, prompt_config):
    asked = []

    def answer(windows, keep):
        asked.append((windows.clone(), keep))
        return torch.full((len(windows), 32, 32, 32), 0.75)

    only_rounds = dataclasses.replace(prompt_config.prompts, rounds=(0.0, 0.0, 1.0), box_share=0.0)
    maker = PromptBatchMaker(prompt_cases, dataclasses.replace(prompt_config, prompts=only_rounds), answer)
    batch = maker.batch(0)
    assert batch.image.shape == (2, 4, 32, 32, 32)
    assert set(batch.label.unique().tolist()) <= {0, 1, IGNORED}
    assert len(asked) == 2
    assert (batch.image[:, 1] == 0.75).all()  # the last answer is the previous mask
    clicks = [int((window[:, 2:] == 1).sum()) for window in (asked[0][0], asked[1][0], batch.image)]
    assert clicks[0] < clicks[1] < clicks[2]
    again = maker.batch(0)
    assert torch.equal(again.image, batch.image)


@pytest.fixture
def network(prompt_config):
    torch.manual_seed(0)
    return build_network(prompt_config.model)


def test_ignored_voxels_do_not_change_the_loss(network, prompt_config):
    loss = PromptLoss(LossConfig(border=1.0), prompt_config.model)
    window = torch.randn(1, 4, 32, 32, 32)
    label = torch.zeros(1, 1, 32, 32, 32, dtype=torch.uint8)
    label[..., 8:16, 8:16, 8:16] = 1
    label[..., 24:] = IGNORED
    with torch.no_grad():
        logits, trace = network(window, 1.0, True)
        other = logits.clone()
        other[..., 24:] += 5
        assert loss(logits, label, trace, (1.0,)) == pytest.approx(float(loss(other, label, trace, (1.0,))))
        other[..., 8:16] += 5
        assert loss(logits, label, trace, (1.0,)) != pytest.approx(float(loss(other, label, trace, (1.0,))))


def test_the_border_is_on_both_sides():
    mask = torch.zeros(1, 1, 8, 8, 8, dtype=torch.bool)
    mask[..., 2:6, 2:6, 2:6] = True
    border = border_of(mask)[0, 0].numpy()
    assert border[2, 3, 3] == border[1, 3, 3] == 1
    assert border[3, 3, 3] == border[0, 3, 3] == 0
    assert np.count_nonzero(border) == 6 * 16 + (4**3 - 2**3)


def test_the_loss_falls_on_one_sample(network, prompt_config):
    loss = PromptLoss(LossConfig(), prompt_config.model)
    window = torch.zeros(1, 4, 32, 32, 32)
    window[:, 0, 8:20, 8:20, 8:20] = 2.0
    window[:, 2, 14, 14, 14] = 1.0
    label = (window[:, :1] > 1).to(torch.uint8)
    optimiser = torch.optim.AdamW([*network.parameters(), *loss.parameters()], lr=3e-3)
    values = []
    for _ in range(12):
        logits, trace = network(window, 0.5, True)
        value = loss(logits, label, trace, (0.5,))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
    assert values[-1] < 0.8 * values[0]


def test_a_model_for_images_alone_can_be_the_start(network, prompt_config):
    one_channel = dataclasses.replace(
        prompt_config.model, in_channels=1, prompts=False, decoder="half", stem="conv"
    )
    torch.manual_seed(1)
    old = build_network(one_channel)
    wide = build_network(prompt_config.model)
    notice = start_from(wide, Initial("old", old.state_dict(), one_channel))
    assert str(notice).endswith("Its new input channels start at zero weights.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompts": None}, "need the section 'prompts:'"),
        ({"labels": ["a", "b"]}, "one entry in 'labels'"),
        ({"prompts": {"union_share": 0.9, "piece_share": 0.2}}, r"union_share \+ piece_share"),
        ({"prompts": {"rounds": []}}, "'rounds' of 'prompts'"),
        ({"prompts": {"fill": [0.5, 0.2]}}, "'fill' of 'prompts'"),
        ({"prompts": {"clicks": 1}}, "unknown entry 'clicks'"),
    ],
)
def test_bad_entries_are_named(prompt_values, prompt_folder, change, said):
    changed = {key: value for key, value in {**prompt_values, **change}.items() if value is not None}
    with pytest.raises(InputError, match=said):
        config_from_dict(changed, prompt_folder)


def test_two_sets_of_one_name_are_refused(prompt_values, prompt_folder):
    prompt_values["data"]["sets"][1]["name"] = "organs"
    with pytest.raises(InputError, match="same name"):
        config_from_dict(prompt_values, prompt_folder)


def test_sets_cannot_be_mixed_with_two_folders(prompt_values, prompt_folder):
    prompt_values["data"]["images"] = "images"
    with pytest.raises(InputError, match="cannot be mixed"):
        config_from_dict(prompt_values, prompt_folder)


def test_a_set_needs_labels(prompt_values, prompt_folder):
    del prompt_values["data"]["sets"][1]["labels"]
    with pytest.raises(InputError, match="lacks the entry 'labels:'"):
        config_from_dict(prompt_values, prompt_folder)
