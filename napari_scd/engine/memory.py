"""What a run works with: the model, the volume in use, and what earlier runs left to be used again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from napari_scd.engine.compiled import CompiledNetwork
from napari_scd.model import narrowed

if TYPE_CHECKING:
    from napari_scd.engine.cache import ByteCache
    from napari_scd.engine.hardware import Hardware
    from napari_scd.engine.predict import WindowResult
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.model import Prefix, ScdNetwork
    from napari_scd.volume import LabelTable, Recipe


class Named(Protocol):
    """What the engine needs to know about a model's origin."""

    @property
    def name(self) -> str:
        """Short name of the model."""

    @property
    def sha256(self) -> str:
        """Checksum of the weights file; empty when there is none."""


class Model(NamedTuple):
    """A network and what belongs to it."""

    network: ScdNetwork
    recipe: Recipe
    labels: LabelTable
    name: str
    sha256: str


class Loaded(NamedTuple):
    """The volume in use; replaced as a whole, so a run keeps the volume it started with."""

    prepared: Prepared
    key: int
    warnings: tuple[str, ...]


@dataclass
class Memory:
    """What a session remembers between runs.

    Attributes
    ----------
    prefixes : ByteCache of Prefix
        What precedes the first stage, by window.
    windows : ByteCache of WindowResult
        Answers of single windows, by window and tokens kept at each stage.
    seconds_per_mac : dict
        Measured pace by (device, precision).
    narrow : dict
        The network with weights of half precision, by precision.
    compiled : dict
        The compiled network, by precision.
    placing : Lock
        Held while the network moves to another device.
    """

    prefixes: ByteCache[Prefix]
    windows: ByteCache[WindowResult]
    seconds_per_mac: dict[tuple[str, str], float] = field(default_factory=dict)
    narrow: dict[torch.dtype, ScdNetwork] = field(default_factory=dict)
    compiled: dict[torch.dtype, CompiledNetwork] = field(default_factory=dict)
    placing: threading.Lock = field(default_factory=threading.Lock)

    def placed(self, network: ScdNetwork, hardware: Hardware) -> ScdNetwork:
        """Network on the device and in the precision of a run."""
        with self.placing:
            weight = next(network.parameters(), None)
            if weight is None:
                return network
            if weight.device.type != hardware.device.type:
                self.narrow.clear()
                self.compiled.clear()
                network.to(hardware.device)
            if hardware.dtype == torch.float32:
                return network
            if hardware.dtype not in self.narrow:
                self.narrow[hardware.dtype] = narrowed(network, hardware.dtype)
            return self.narrow[hardware.dtype]

    def compiled_for(self, network: ScdNetwork, hardware: Hardware) -> CompiledNetwork:
        """Compiled form of a network as `placed` returned it."""
        with self.placing:
            if hardware.dtype not in self.compiled:
                self.compiled[hardware.dtype] = CompiledNetwork(network)
            return self.compiled[hardware.dtype]

    def forget_volume(self) -> None:
        """Drop what belongs to the previous volume."""
        self.prefixes.clear()
        self.windows.clear()
