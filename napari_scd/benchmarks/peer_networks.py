"""Networks that others would install for the same task, and how each is run on a whole scan."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from napari_scd.benchmarks.other_networks import build_other

if TYPE_CHECKING:
    from collections.abc import Sequence

MESHNET_DILATIONS = (1, 2, 4, 8, 16, 8, 4, 2, 1)
MESHNET = "MeshNet-21"


@dataclass(frozen=True)
class Peer:
    """A network with random weights and the way it is usually run.

    Attributes
    ----------
    name : str
        As in tables.
    network : str
        `MESHNET`, or a name of `OTHER_NETWORKS`.
    n_classes : int
    spacing_mm : (R, A, S) float
        Voxels that the scan is resampled to.
    window : tuple of int
        Edges of a sliding window; MeshNet sees the whole scan, cut or padded to this.
    overlap : float
        Of neighbouring windows, 0-1.
    clip : (low, high) or None
        Intensities that are mapped to 0..1; None takes percentiles 1 and 99.
    width : int
        Channels of MeshNet.
    """

    name: str
    network: str
    n_classes: int
    spacing_mm: tuple[float, float, float]
    window: tuple[int, int, int]
    overlap: float = 0.5
    clip: tuple[float, float] | None = None
    width: int = 21

    def to_json(self) -> str:
        """One line that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Peer:
        """Read what `to_json` returned.

        Examples
        --------
        >>> Peer.from_json(BRAIN_PEERS[0].to_json()) == BRAIN_PEERS[0]
        True
        """
        read: dict[str, Any] = json.loads(text)
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in read.items()}
        return cls(**values)

    @property
    def sees_all(self) -> bool:
        """Whether it takes the whole scan at once."""
        return self.network == MESHNET


def _in_windows(network: str, n_classes: int, spacing_mm: tuple[float, float, float], **more: Any) -> Peer:
    return Peer(f"{network} (MONAI)", network, n_classes, spacing_mm, (96, 96, 96), **more)


# brainchop's network for 18 classes: 21 channels, 96,000 weights; a conformed head of 256^3 voxels of 1 mm
BRAIN_PEERS = (
    Peer("MeshNet (brainchop)", MESHNET, 18, (1.0, 1.0, 1.0), (256, 256, 256)),
    *(
        _in_windows(name, 32, (1.0, 1.0, 1.0))
        for name in ("UNETR-16", "SwinUNETR-24", "SegResNet-16", "DynUNet")
    ),
)
# MONAI's own BTCV settings: 1.5 x 1.5 x 2 mm, windows of 96^3 that overlap by half
ABDOMEN_PEERS = tuple(
    _in_windows(name, 14, (1.5, 1.5, 2.0), clip=(-175.0, 250.0))
    for name in ("UNETR-16", "SwinUNETR-24", "SegResNet-16", "DynUNet")
)
PEERS = {"MR": BRAIN_PEERS, "CT": ABDOMEN_PEERS}


def build_peer(peer: Peer) -> nn.Module:
    """Build a peer's network with random weights."""
    if peer.network == MESHNET:
        return mesh_net(peer.width, peer.n_classes).eval()
    return build_other(peer.network, peer.window, 1, peer.n_classes)


def mesh_net(width: int, n_classes: int, dilations: Sequence[int] = MESHNET_DILATIONS) -> nn.Module:
    """Build MeshNet (Fedorov et al., IJCNN 2017) as brainchop runs it: dilated convolutions at full size.

    Examples
    --------
    >>> sum(weight.numel() for weight in mesh_net(21, 18).parameters())
    96408
    """
    layers: list[nn.Module] = []
    channels = 1
    for dilation in dilations:
        layers += [nn.Conv3d(channels, width, 3, padding=dilation, dilation=dilation), nn.ELU(inplace=True)]
        channels = width
    return nn.Sequential(*layers, nn.Conv3d(width, n_classes, 1))
