"""Names find models; nothing else does."""

from __future__ import annotations

import logging

import pytest

from napari_scd.checkpoints import Provenance, describe, list_models, models_folder, save, zoo
from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, build_network
from napari_scd.volume import LabelTable, Recipe

SIZES = {"embed_dim": 24, "depth": 2, "heads": 2, "prune_after": (0,), "prune_ratio": (0.5,), "features": 4}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A models folder of the user's."""
    monkeypatch.setenv("NAPARI_SCD_MODELS", str(tmp_path))
    return tmp_path


def write(path) -> None:
    config = ModelConfig(roi=(16, 16, 16), patch=4, completion_dim=12, completion_heads=2, **SIZES)
    save(path, build_network(config), Recipe("CT"), LabelTable.from_names(["liver"]), Provenance())


def test_a_file_in_the_models_folder_has_a_name(folder) -> None:
    assert models_folder() == folder
    write(folder / "my-model.safetensors")
    card = describe("my-model")
    assert (card.name, card.shipped, card.labels.names) == ("my-model", False, ("liver",))
    assert card in list_models() or "my-model" in [other.name for other in list_models()]
    assert describe(folder / "my-model.safetensors").config == card.config


def test_shipped_models_come_first_and_can_be_read() -> None:
    shipped = [card.name for card in list_models() if card.shipped]
    assert shipped == [name for name in zoo.SHIPPED_ORDER if name in shipped]
    for name in shipped:
        assert describe(name).provenance.licence
        assert describe(name).n_bytes <= 16 * 2**20


def test_a_free_model_beside_another_one_is_chosen_by_name_only(folder) -> None:
    suggested = [card.name for card in zoo.suggested_models()]
    assert suggested == [name for name in zoo.SHIPPED_ORDER if name != "brain-mr-free"]
    assert describe("brain-mr-free").provenance.licence == "Apache-2.0"
    assert describe("brain-mr").labels == describe("brain-mr-free").labels


def test_a_bad_file_in_the_folder_is_left_out_and_logged(folder, caplog) -> None:
    (folder / "broken.safetensors").write_text("no")
    with caplog.at_level(logging.WARNING):
        assert "broken" not in [card.name for card in list_models()]
    assert "broken.safetensors" in caplog.text
    with pytest.raises(InputError, match="text file"):
        describe("broken")


def test_no_folder_means_no_models(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NAPARI_SCD_MODELS", str(tmp_path / "nowhere"))
    assert all(card.shipped for card in list_models())


@pytest.mark.parametrize(
    "name", ["..", "../secret", "a/b", "a\\b", "", "/etc/passwd", ".hidden", "a..b", "a\0b"]
)
def test_a_name_never_leads_through_folders(name) -> None:
    assert not zoo.is_name(name)


def test_a_path_through_folders_is_a_path_not_a_name(folder, tmp_path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    write(folder / "outside.safetensors")
    with pytest.raises(InputError):
        describe("inner/../outside")


def test_an_unknown_name_lists_the_known_ones(folder) -> None:
    write(folder / "mine.safetensors")
    with pytest.raises(InputError, match=r"no model 'yours' \(available: .*mine\)"):
        describe("yours")
