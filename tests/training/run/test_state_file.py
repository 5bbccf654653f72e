"""The checkpoint of a run: whole or not at all, and only for the run it belongs to."""

from __future__ import annotations

import dataclasses
import json
import sys

import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.training.config.sections import KeepConfig
from napari_scd.training.run.state_file import STATE_NAME, read_state, write_state

CASES = ("case0", "case1")


def test_round_trip(config, tmp_path):
    write_state(tmp_path, config, CASES, {"step": 3, "parts": {"w": torch.arange(3.0)}})
    state = read_state(tmp_path, config, CASES)
    assert state["step"] == 3
    assert torch.equal(state["parts"]["w"], torch.arange(3.0))
    assert [path.name for path in tmp_path.iterdir()] == [STATE_NAME]


def test_nothing_there(config, tmp_path):
    assert read_state(tmp_path, config, CASES) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lr": 0.5}, "another 'lr'"),
        ({"seed": 7}, "another 'seed'"),
        ({"batch": 4}, "another 'batch'"),
        ({"keep": KeepConfig(low=0.3)}, "another 'keep: low'"),
    ],
)
def test_another_configuration_is_refused_by_name(config, tmp_path, change, said):
    write_state(tmp_path, config, CASES, {"step": 3})
    with pytest.raises(InputError, match=said) as caught:
        read_state(tmp_path, dataclasses.replace(config, **change), CASES)
    assert str(tmp_path / STATE_NAME) in str(caught.value)


@pytest.mark.parametrize("change", [{"steps": 99}, {"title": "new"}, {"validate_every": 9}])
def test_length_and_reporting_may_change(config, tmp_path, change):
    write_state(tmp_path, config, CASES, {"step": 3})
    assert read_state(tmp_path, dataclasses.replace(config, **change), CASES)["step"] == 3


def test_other_cases_are_refused(config, tmp_path):
    write_state(tmp_path, config, CASES, {"step": 3})
    with pytest.raises(InputError, match="case2"):
        read_state(tmp_path, config, (*CASES, "case2"))


def test_entries_that_came_later_count_as_their_defaults(config, tmp_path):
    fingerprint = json.loads(json.dumps(config.fingerprint(), default=str))
    for key in ("looks", "layer_decay", "values"):
        del fingerprint[key]
    del fingerprint["loss"]["squared"], fingerprint["warp"]["turn_share"]
    old = {"step": 3, "fingerprint": json.dumps(fingerprint)}
    torch.save(old, tmp_path / STATE_NAME)
    assert read_state(tmp_path, config, CASES)["step"] == 3
    with pytest.raises(InputError, match="loss: squared"):
        changed = dataclasses.replace(config.loss, squared=True)
        read_state(tmp_path, dataclasses.replace(config, loss=changed), CASES)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_file(config, tmp_path, content):
    (tmp_path / STATE_NAME).write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_state(tmp_path, config, CASES)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_full_disk_leaves_the_previous_checkpoint(config, tmp_path):
    import resource

    write_state(tmp_path, config, CASES, {"step": 3})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(InputError, match=r"last.ckpt could not be written .*free some space"):
            write_state(tmp_path, config, CASES, {"step": 4, "weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_state(tmp_path, config, CASES)["step"] == 3
    assert [path.name for path in tmp_path.iterdir()] == [STATE_NAME]
