from __future__ import annotations

import pytest

from napari_scd.errors import InputError
from napari_scd.viewer.logic.choices import Choices, resolve


def test_choices_become_a_frozen_request() -> None:
    request = resolve(Choices(keep=0.35, device="cpu", stride=16))
    assert (request.keep, request.device, request.stride) == (0.35, "cpu", 16)
    assert hash(request) == hash(resolve(Choices(keep=0.35, device="cpu", stride=16)))


def test_stages_set_apart_win_over_the_common_ratio() -> None:
    assert resolve(Choices(keep=0.5, keep_per_stage=(0.9, 0.5, 0.2))).keep == (0.9, 0.5, 0.2)


def test_a_single_field_can_be_overridden() -> None:
    assert resolve(Choices(keep=0.35), keep=1.0).keep == 1.0


def test_a_bad_ratio_is_the_users_error() -> None:
    with pytest.raises(InputError, match="from 0.05 to 1"):
        resolve(Choices(keep=0.01))


def test_a_copy_does_not_follow() -> None:
    choices = Choices(keep=0.5)
    copy = choices.copy()
    choices.keep = 0.1
    assert copy.keep == 0.5
