"""What is compared, and what a comparison of networks found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn

    from napari_scd.benchmarks.parts import PartTimes
    from napari_scd.model import Size3

DENSE = 1.0
Key = tuple[str, float | None]


class TimedNetwork(NamedTuple):
    """A network that is timed.

    Attributes
    ----------
    name : str
    network : Module
    keeps : tuple of float
        Keep ratios it runs at; empty for a network without pruning stages.
    """

    name: str
    network: nn.Module
    keeps: tuple[float, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Name and keep ratio of each variant, dense first."""
        if not self.keeps:
            return [(self.name, None)]
        return [(self.name, keep) for keep in sorted({DENSE, *self.keeps}, reverse=True)]


class WindowShape(NamedTuple):
    """Voxels of a window, and the channels in and out."""

    roi: Size3
    in_channels: int
    out_channels: int


class PeakShares(NamedTuple):
    """Multiply-accumulates per second as a share of the machine's matrix-product peak in the same round."""

    whole: float
    encoder: float | None = None
    decoder: float | None = None


class NetworkRow(NamedTuple):
    """One network at one keep ratio; seconds are those of one window.

    Attributes
    ----------
    network : str
    keep : float or None
        None where nothing can be dropped.
    tokens : tuple of int
        Living tokens at the start and after each stage; empty for other networks.
    n_parameters, macs : int
        Weights; multiply-accumulates of a window (of a training step: forward and backward).
    median_s, quartiles_s : float
        Over the rounds: median, distance of the quartiles.
    speedup : float or None
        Median over rounds of dense time / time, same network.
    macs_per_s : float
    peak : Shares
    memory_bytes : int or None
        Needed on top of the weights by one batch.
    parts : PartTimes or None
        Medians, for inference of our own networks.
    rounds_s : tuple of float
        Every round; equal places belong together.
    """

    network: str
    keep: float | None
    tokens: tuple[int, ...]
    n_parameters: int
    macs: int
    median_s: float
    quartiles_s: float
    speedup: float | None
    macs_per_s: float
    peak: PeakShares
    memory_bytes: int | None
    parts: PartTimes | None
    rounds_s: tuple[float, ...]


class Comparison(NamedTuple):
    """What ran, on what, and a row for each network and keep ratio."""

    task: str
    window: WindowShape
    device: str
    precision: str
    clock: str
    threads: int
    batch: int
    rounds: int
    peak_macs_per_s: float
    rows: tuple[NetworkRow, ...]

    def row(self, network: str, keep: float | None = None) -> NetworkRow:
        """Find a row by its two names."""
        return next(row for row in self.rows if (row.network, row.keep) == (network, keep))
