"""Other networks to compare with, from MONAI, in the sizes they are usually trained in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monai.networks.nets import UNETR, DynUNet, SegResNet, SwinUNETR

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from napari_scd.model import Size3

_COARSEST = 4


def build_other(name: str, roi: Size3, in_channels: int, out_channels: int) -> nn.Module:
    """Build one of `OTHER_NETWORKS` with random weights for windows ``(b, in_channels, *roi)``.

    Raises
    ------
    InputError
        When a package that MONAI builds it with is not installed.
    """
    try:
        network: nn.Module = OTHER_NETWORKS[name](roi, in_channels, out_channels)
    except ImportError as error:
        raise InputError(
            f"{name} needs the package 'einops': install it with pip install 'napari-scd[baselines]', "
            "or leave the other networks out."
        ) from error
    return network.eval()


def fitting_others(roi: Size3) -> tuple[str, ...]:
    """Names of `OTHER_NETWORKS` that take a window of this size: those with transformers need 64, 96, ...."""
    whole = all(edge % 32 == 0 and edge >= 64 for edge in roi)
    return tuple(name for name in OTHER_NETWORKS if whole or not name.startswith(("UNETR", "Swin")))


def _unetr(roi: Size3, in_channels: int, out_channels: int) -> nn.Module:
    network: nn.Module = UNETR(in_channels, out_channels, img_size=roi, feature_size=16)
    return network


def _swin_unetr(roi: Size3, in_channels: int, out_channels: int) -> nn.Module:
    network: nn.Module = SwinUNETR(in_channels, out_channels, feature_size=24)
    return network


def _seg_res_net(roi: Size3, in_channels: int, out_channels: int) -> nn.Module:
    network: nn.Module = SegResNet(init_filters=16, in_channels=in_channels, out_channels=out_channels)
    return network


def _dyn_unet(roi: Size3, in_channels: int, out_channels: int) -> nn.Module:
    """nnU-Net's plan: halve the window until its shortest edge has 4 to 7 voxels."""
    halvings = max(1, int(math.log2(min(roi) / _COARSEST)))
    kernels, strides = [3] * (halvings + 1), [1] + [2] * halvings
    network: nn.Module = DynUNet(3, in_channels, out_channels, kernels, strides, strides[1:])
    return network


OTHER_NETWORKS: dict[str, Callable[[Size3, int, int], nn.Module]] = {
    "UNETR-16": _unetr,
    "SwinUNETR-24": _swin_unetr,
    "SegResNet-16": _seg_res_net,
    "DynUNet": _dyn_unet,
}
