"""The training loop: one readable pass from data to an exported checkpoint."""

from __future__ import annotations

import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from lightning_fabric import Fabric

from napari_scd.model import build_network
from napari_scd.training.batches import BatchMaker
from napari_scd.training.data import Case, list_cases, load_cases
from napari_scd.training.ema import WeightAverage
from napari_scd.training.loss import SegmentationLoss
from napari_scd.training.state import read_state, write_state
from napari_scd.training.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn
    from torch.optim import AdamW

    from napari_scd.training.config import TrainConfig


@dataclass(frozen=True)
class RunOptions:
    """What may change between two starts of the same run.

    Parameters
    ----------
    out : Path
        Folder of the run: log, checkpoint, exported model.
    device, precision, devices
        As Lightning Fabric takes them ("auto", "bf16-mixed", 1).
    max_minutes : float or None
        Stop (resumably) after this long.
    init : dict of str to Tensor or None
        Weights to start from instead of random ones; a saved state of the run wins over it.
    """

    out: Path
    device: str = "auto"
    precision: str = "bf16-mixed"
    devices: int = 1
    max_minutes: float | None = None
    init: dict[str, Tensor] | None = None


class Step(NamedTuple):
    """One line of the progress display and of ``log.csv``."""

    step: int
    steps: int
    loss: float
    seconds: float
    eta_s: float
    validation: dict[str, float]


class Finished(NamedTuple):
    """What a run leaves: averaged weights (the best by validation), how far it came, and its last Dice."""

    weights: dict[str, Tensor]
    step: int
    done: bool
    validation: dict[str, float]
    seconds: float


def train(config: TrainConfig, options: RunOptions, report: Callable[[Step], None] | None = None) -> Finished:
    """Train until ``config.steps`` or ``options.max_minutes``; continue where the folder's state ends.

    Raises
    ------
    InputError
        Bad data or a state of another configuration, before the first step; a full disk at a checkpoint.
    """
    fabric = Fabric(accelerator=options.device, devices=options.devices, precision=options.precision)  # type: ignore[arg-type]
    fabric.launch()
    options.out.mkdir(parents=True, exist_ok=True)
    training, validation = list_cases(config.data)
    cases = _on_device(load_cases(training, config.recipe, config.table), fabric.device)
    held_back = load_cases(validation, config.recipe, config.table)
    torch.manual_seed(config.seed)
    network = build_network(config.model)
    if options.init is not None:
        network.load_state_dict(options.init)
    loss = SegmentationLoss(config.loss, config.model)
    run = _Run(fabric, config, options, network, loss)
    run.resume()
    maker = BatchMaker(cases, config, fabric.global_rank, fabric.world_size)
    run.loop(maker, held_back, report)
    return run.finish()


class _Run:
    """Weights, optimiser and counters of a run; the loop itself."""

    def __init__(
        self, fabric: Fabric, config: TrainConfig, options: RunOptions, network: nn.Module, loss: SegmentationLoss
    ) -> None:
        self.fabric, self.config, self.options = fabric, config, options
        self.bare = network
        self.average = WeightAverage(network.to(fabric.device), config.ema)
        parts = torch.nn.ModuleDict({"network": network, "loss": loss})
        optimiser: AdamW = torch.optim.AdamW(
            _parameter_groups(parts, config.weight_decay), lr=config.lr, betas=(0.9, 0.95), fused=True
        )
        self.model, self.optimiser = fabric.setup(_Both(parts), optimiser)
        self.parts = parts
        self.step = 0
        self.seconds = 0.0
        self.best = -1.0
        self.best_weights: dict[str, Tensor] | None = None
        self.validation: dict[str, float] = {}

    def resume(self) -> None:
        state = read_state(self.options.out, self.config)
        if state is None:
            return
        self.parts.load_state_dict(state["parts"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        self.best_weights, self.validation = state["best_weights"], state["validation"]

    def loop(self, maker: BatchMaker, held_back: list[Case], report: Callable[[Step], None] | None) -> None:
        config, started = self.config, time.monotonic()
        seconds_before, saved_at = self.seconds, started
        limit_s = math.inf if self.options.max_minutes is None else 60 * self.options.max_minutes
        recent: list[Tensor] = []
        self.model.train()
        while self.step < config.steps and time.monotonic() - started < limit_s:
            recent.append(self._one_step(maker))
            self.step += 1
            now = time.monotonic()
            self.seconds = seconds_before + now - started
            last = self.step == config.steps
            if held_back and (self.step % config.validate_every == 0 or last):
                self._validate(held_back)
            if self.step % 20 == 0 or last:
                self._report(recent, report)
                recent.clear()
            if last or now - saved_at > config.checkpoint_seconds:
                self.save()
                saved_at = time.monotonic()
        self.save()

    def _one_step(self, maker: BatchMaker) -> Tensor:
        config = self.config
        rate = config.lr * _schedule(self.step, config.steps, config.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        batch = maker.batch(self.step)
        loss: Tensor = self.model(batch.image, batch.label, batch.keep)
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.model, self.optimiser, max_norm=config.clip_grad, error_if_nonfinite=False)
        self.optimiser.step()
        self.average.update(self.bare)
        return loss.detach()

    def _validate(self, held_back: list[Case]) -> None:
        if self.fabric.is_global_zero:
            kept = {key: value.clone() for key, value in self.bare.state_dict().items()}
            self.average.copy_to(self.bare)
            self.validation = validate(self.bare, held_back, self.config, self.fabric)
            self.bare.load_state_dict(kept)
            score = sum(self.validation.values()) / len(self.validation)
            if score > self.best:
                self.best = score
                self.best_weights = {key: value.cpu().clone() for key, value in self.average.weights.items()}
        self.fabric.barrier()

    def _report(self, recent: list[Tensor], report: Callable[[Step], None] | None) -> None:
        mean = float(torch.stack(recent).mean())
        if not math.isfinite(mean):
            raise RuntimeError(f"The loss became {mean} at step {self.step}: lower the learning rate.")
        per_step = self.seconds / self.step
        line = Step(
            self.step, self.config.steps, mean, per_step, per_step * (self.config.steps - self.step), self.validation
        )
        if self.fabric.is_global_zero:
            _log(self.options.out / "log.csv", line, self.config)
            if report is not None:
                report(line)

    def save(self) -> None:
        if self.fabric.is_global_zero:
            write_state(
                self.options.out,
                self.config,
                {
                    "parts": self.parts.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "average": self.average.state_dict(),
                    "step": self.step,
                    "seconds": self.seconds,
                    "best": self.best,
                    "best_weights": self.best_weights,
                    "validation": self.validation,
                },
            )
        self.fabric.barrier()

    def finish(self) -> Finished:
        weights = self.best_weights or self.average.weights
        return Finished(weights, self.step, self.step >= self.config.steps, self.validation, self.seconds)


class _Both(torch.nn.Module):
    """Network and loss behind one `forward`, as distributed wrappers want it."""

    def __init__(self, parts: torch.nn.ModuleDict) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, image: Tensor, label: Tensor, keep: float | tuple[float, ...]) -> Tensor:
        network = self.parts["network"]
        logits, trace = network(image, keep, True)
        stages = network.config.n_stages
        each = (keep,) * stages if isinstance(keep, float) else keep
        loss: Tensor = self.parts["loss"](logits, label, trace, each)
        return loss


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


def _parameter_groups(module: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels; none for biases, norms and embeddings."""
    decayed, free = [], []
    for name, parameter in module.named_parameters():
        embedding = any(part in name for part in ("pos_embed", "cls_token", "layer_embeddings", "mask_token"))
        (free if parameter.ndim < 2 or embedding else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _on_device(cases: list[Case], device: torch.device) -> list[Case]:
    return [Case(c.name, c.image.to(device), c.label.to(device), c.foreground) for c in cases]


def _log(file: Path, line: Step, config: TrainConfig) -> None:
    names = [f"dice@{keep:g}" for keep in config.validate_keep]
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(["step", "loss", "seconds_per_step", *names])
        dice = [f"{line.validation[name]:.4f}" if name in line.validation else "" for name in names]
        writer.writerow([line.step, f"{line.loss:.4f}", f"{line.seconds:.3f}", *dice])
