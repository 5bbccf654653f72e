"""Intensities on a device: the same numbers as on the host, and random changes that stay in bounds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_scd.training.config.images import LookRange
from napari_scd.training.data.intensity import (
    changed_look,
    changed_structures,
    normalised,
    normalised_channel,
)
from napari_scd.volume import Recipe, normalise

ALWAYS = LookRange(bias_share=1, contrast_share=1, scale_share=1, shift_share=1, blur_share=1, noise_share=1)


def _scan(seed=0):
    rng = np.random.default_rng(seed)
    scan = rng.gamma(2.0, 100.0, (12, 14, 10)).astype(np.float32)
    scan[:4] = 0
    return scan


@pytest.mark.parametrize("normalisation", ["range", "zscore", "zscore-nonzero", "zscore-foreground", "none"])
@pytest.mark.parametrize("clip", [None, (20.0, 500.0)])
@pytest.mark.parametrize("percentiles", [None, (0.5, 99.5), (5.0, 80.0)])
def test_tensor_steps_agree_with_the_host_s(normalisation, clip, percentiles):
    recipe = Recipe("MR", clip=clip, clip_percentiles=percentiles, normalisation=normalisation)
    scan = _scan()
    expected = normalise(scan[None], recipe)[0]
    result = normalised_channel(torch.from_numpy(scan), recipe)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("normalisation", ["range", "zscore", "zscore-foreground", "zscore-nonzero"])
@pytest.mark.parametrize("level", [0.0, 7.0])
def test_a_flat_window_agrees_too(normalisation, level):
    recipe = Recipe("MR", normalisation=normalisation, clip_percentiles=(1, 99))
    flat = np.full((4, 4, 4), level, np.float32)
    result = normalised_channel(torch.from_numpy(flat), recipe)
    np.testing.assert_allclose(result.numpy(), normalise(flat[None], recipe)[0])


def test_the_host_s_own_function_is_used_on_the_host():
    recipe = Recipe("MR", clip_percentiles=(1, 99))
    window = torch.from_numpy(_scan())[None]
    np.testing.assert_array_equal(normalised(window, recipe).numpy(), normalise(window.numpy(), recipe))


def test_changes_are_seeded_and_can_be_off():
    window = torch.randn(2, 12, 12, 12, generator=torch.Generator().manual_seed(1))

    def change(strength, seed=3):
        generators = [torch.Generator().manual_seed(seed) for _ in range(2)]
        return changed_look(window, ALWAYS, strength, *generators)

    assert torch.equal(change(0.0), window)
    assert torch.equal(change(1.0), change(1.0))
    assert not torch.equal(change(1.0), change(1.0, seed=4))


@pytest.mark.parametrize("kind", ["bias", "contrast", "scale", "shift", "blur", "noise"])
def test_each_change_alone_is_mild(kind):
    none = {f"{name}_share": 0.0 for name in ("bias", "contrast", "scale", "shift", "blur", "noise")}
    limits = dataclasses.replace(LookRange(), **{**none, f"{kind}_share": 1.0})
    window = torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    changes = []
    for seed in range(5):
        generators = [torch.Generator().manual_seed(seed) for _ in range(2)]
        changed = changed_look(window, limits, 1.0, *generators)
        assert changed.isfinite().all()
        changes.append(float((changed - window).abs().mean()))
    assert 0 < max(changes) < 0.7


def test_contrast_keeps_mean_and_spread():
    limits = dataclasses.replace(
        LookRange(), bias_share=0, contrast_share=1, scale_share=0, shift_share=0, blur_share=0, noise_share=0
    )
    window = torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    changed = changed_look(window, limits, 1.0, torch.Generator().manual_seed(5), torch.Generator())
    torch.testing.assert_close(changed.mean(), window.mean(), rtol=0, atol=1e-3)
    torch.testing.assert_close(changed.std(), window.std(), rtol=0, atol=1e-3)


def _organ():
    """Bright cube with a label in a dark window, and its label map."""
    window, label = torch.full((1, 24, 24, 24), -0.6), torch.zeros(1, 24, 24, 24, dtype=torch.uint8)
    window[:, 6:18, 6:18, 6:18], label[:, 6:18, 6:18, 6:18] = 0.2, 3
    window[:, 0, 0, 0], window[:, -1, -1, -1] = -1, 1
    return window, label


def test_a_structure_changes_by_itself_and_smoothly():
    window, label = _organ()
    always = LookRange(structure_gamma=(0.5, 0.6), structure_gamma_share=1.0)
    changed = changed_structures(window, label, always, torch.Generator().manual_seed(0))
    outside = torch.nn.functional.max_pool3d((label > 0).float(), 9, stride=1, padding=4) == 0
    torch.testing.assert_close(changed[outside], window[outside], atol=1e-3, rtol=0)
    middle = changed[0, 9:15, 9:15, 9:15]
    assert torch.all(middle > 0.35)  # 0.2 is 0.6 of the range; 0.6 to the power of 0.5 to 0.6 lies near 0.75
    assert float(middle.max() - middle.min()) < 0.01
    assert changed.min() == pytest.approx(-1) and changed.max() == pytest.approx(1)
    steps = changed[0, 12, 12].diff().abs()
    assert float(steps.max()) < 1.02 * float(window[0, 12, 12].diff().abs().max()) + 0.15


def test_structures_are_left_alone_when_chance_says_so():
    window, label = _organ()
    never = LookRange(structure_gamma_share=0.0)
    assert changed_structures(window, label, never, torch.Generator().manual_seed(0)) is window
