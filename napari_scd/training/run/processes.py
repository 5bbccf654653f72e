"""Several processes that together do what one would: devices, decisions, losses and random numbers."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, distributed
from torch.overrides import TorchFunctionMode

from napari_scd.engine import Request, choose_hardware
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "32-true"}


def launched_fabric(device: str, precision: str, devices: int, nodes: int) -> Fabric:
    """Start the processes (or join those that ``torchrun`` started) and return Lightning Fabric.

    Parameters
    ----------
    device, precision : str
        As `Request` takes them, or as Fabric does ("bf16-mixed").
    devices, nodes : int
        Processes on each machine, and machines; ``torchrun`` decides both when it started us.

    Raises
    ------
    InputError
        A device or precision that is not available.
    """
    if precision not in PRECISIONS.values():
        hardware = choose_hardware(Request(device=device, precision=precision))
        device, precision = hardware.device.type, PRECISIONS[hardware.precision]
    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    if device == "cuda" and devices > torch.cuda.device_count():
        raise InputError(f"{devices} GPUs were requested, but this machine has {torch.cuda.device_count()}.")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    many = devices * nodes > 1
    strategy = DDPStrategy(find_unused_parameters=True) if many else "auto"
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        precision=precision,
        strategy=strategy,
    )
    fabric.launch()
    return fabric


def agreed(fabric: Fabric, *values: float) -> list[float]:
    """Largest value of every process at each place; what comes back is the same everywhere."""
    if fabric.world_size == 1:
        return list(values)
    shared = torch.tensor(values, dtype=torch.float64, device=fabric.device)
    distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
    return [float(value) for value in shared]


def gathered(tensor: Tensor) -> Tensor:
    """Join a tensor ``(b, ...)`` over all processes; only the own rows carry a gradient."""
    if _world() == 1:
        return tensor
    parts = [torch.empty_like(tensor) for _ in range(_world())]
    distributed.all_gather(parts, tensor.detach().contiguous())
    parts[distributed.get_rank()] = tensor
    return torch.cat(parts)


def scaled_for_average(loss: Tensor) -> Tensor:
    """Keep a loss of the whole batch as it is, but let its gradient survive the mean over processes.

    Every process sees only its own share of the gradient; distributed training averages where the sum is due.
    """
    world = _world()
    return loss if world == 1 else loss * world - loss.detach() * (world - 1)


class SharedDraws(TorchFunctionMode):
    """Random tensors inside a network, one row per window, drawn as one process would draw them.

    Each process draws for the whole batch from the same seed and takes the rows of its own windows. With one
    process nothing is changed.
    """

    def __init__(self, rank: int, world: int) -> None:
        super().__init__()
        self.rank, self.world = rank, world

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Widen in-place draws and `torch.rand` to the whole batch; pass on all else."""
        kwargs = kwargs or {}
        if self.world > 1 and func in (Tensor.exponential_, Tensor.bernoulli_):
            mine = args[0]
            whole = mine.new_empty((len(mine) * self.world, *mine.shape[1:]))
            return mine.copy_(func(whole, *args[1:], **kwargs)[self.rank :: self.world])
        if self.world > 1 and func is torch.rand:
            shape = torch.Size(args[0] if not isinstance(args[0], int) else args)
            whole = func((shape[0] * self.world, *shape[1:]), **kwargs)
            return whole[self.rank :: self.world]
        return func(*args, **kwargs)


def _world() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1
