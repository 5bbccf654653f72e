"""One run: what it consists of, how it goes on from step to step, what it leaves."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import torch

from napari_scd.errors import InputError
from napari_scd.training.run.clock import Clock
from napari_scd.training.run.ema import WeightAverage
from napari_scd.training.run.journal import Journal, Step
from napari_scd.training.run.optimiser import make_optimiser, set_rate
from napari_scd.training.run.processes import SharedDraws, agreed
from napari_scd.training.run.state import read_state, write_state
from napari_scd.training.run.validate import Validation, score_of, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import Tensor

    from napari_scd.model import ScdNetwork
    from napari_scd.training.config.config import TrainConfig
    from napari_scd.training.data.batches import BatchMaker
    from napari_scd.training.data.cases import Case
    from napari_scd.training.run.initial import Initial
    from napari_scd.training.run.loss import SegmentationLoss
    from napari_scd.training.run.stopping import StopSignal

REPORT_EVERY = 20


@dataclass(frozen=True)
class RunOptions:
    """What may change between two starts of the same run.

    Parameters
    ----------
    out : Path
        Folder of the run: log, checkpoint, exported model.
    device, precision : str
        "auto", "cpu", "cuda", "mps"; "auto", "float32", "bfloat16" (or Lightning Fabric's own names).
    devices, nodes : int
        Processes on each machine, and machines.
    max_minutes : float or None
        Stop (resumably) after this long; 0 trains nothing.
    init : Initial or None
        Weights to start from instead of random ones; a saved state of the run wins over it.
    tensorboard : bool
        Write its files where the package is installed.
    """

    out: Path
    device: str = "auto"
    precision: str = "auto"
    devices: int = 1
    nodes: int = 1
    max_minutes: float | None = None
    init: Initial | None = None
    tensorboard: bool = True


class Finished(NamedTuple):
    """What a run leaves.

    Attributes
    ----------
    weights : dict of str to Tensor
        Averaged weights, the best by validation (the last ones when there was none).
    step : int
    done : bool
        Whether all steps were made.
    validation : dict of str to float
        Mean Dice by keep ratio of those weights; empty when never measured.
    best_step : int
        Step of those weights.
    seconds : float
        Of training, over all starts.
    loss : float
        Last reported one, NaN when none was.
    n_cases, n_validation : int
    signal : int
        That ended the run, 0 for none.
    leads : bool
        Whether this process is the one that writes files.
    """

    weights: dict[str, Tensor]
    step: int
    done: bool
    validation: dict[str, float]
    best_step: int
    seconds: float
    loss: float
    n_cases: int
    n_validation: int
    signal: int
    leads: bool


class Run:
    """Weights, optimiser and counters of a run; the loop itself.

    Parameters
    ----------
    fabric : Fabric
        Launched.
    config : TrainConfig
    options : RunOptions
    network : ScdNetwork
        With the weights to start from.
    loss : SegmentationLoss
    names : sequence of str
        Of the training cases; a state of other ones is refused.
    """

    def __init__(
        self,
        fabric: Fabric,
        config: TrainConfig,
        options: RunOptions,
        network: ScdNetwork,
        loss: SegmentationLoss,
        names: Sequence[str] = (),
    ) -> None:
        self.fabric, self.config, self.options = fabric, config, options
        self.bare = network
        self.average = WeightAverage(network.to(fabric.device), config.ema)
        self.parts = torch.nn.ModuleDict({"network": network, "loss": loss.to(fabric.device)})
        self.model, self.optimiser = fabric.setup(
            StepLoss(self.parts, config.model.n_stages), make_optimiser(self.parts, config)
        )
        self.names = names
        self.step = 0
        self.seconds = 0.0
        self.loss = math.nan
        self.validation: dict[str, float] = {}
        self.validated_at = 0
        self.best = -math.inf
        self.best_step = 0
        self.best_validation: dict[str, float] = {}
        self.best_weights: dict[str, Tensor] | None = None
        self.recent: list[Tensor] = []
        self.save_seconds = 0.0

    def resume(self) -> None:
        """Continue from the folder's state, if there is one."""
        state = read_state(self.options.out, self.config, self.names)
        if state is None:
            return
        self.parts.load_state_dict(state["parts"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        self.best_weights, self.validation = state["best_weights"], state["validation"]
        self.validated_at = state.get("validated_at", self.step)
        self.best_step = state.get("best_step", self.step)
        self.best_validation = state.get("best_validation", self.validation)
        self.loss = state.get("loss", math.nan)
        recent = torch.tensor(state.get("recent", []), device=self.fabric.device)
        self.recent = list(recent)

    def loop(
        self,
        maker: BatchMaker,
        checks: Sequence[Case],
        stop: StopSignal,
        report: Callable[[Step], None] | None,
        tell: Callable[[str], None] | None,
    ) -> None:
        """Step, report, validate and save until the end, the time limit or a signal."""
        config = self.config
        journal = None
        if self.fabric.is_global_zero:
            reported = self.step - bool(self.recent)
            board = self.options.tensorboard
            journal = Journal(
                self.options.out, config, reported, self.validated_at, tensorboard=board, tell=tell
            )
        clock = Clock(self.seconds, self.options.max_minutes)
        self.model.train()
        while True:
            self.seconds = clock.total()
            if checks and self._validation_is_due():
                self.save()
                self._validate(checks, journal, stop)
                clock.leave_out(clock.total() - self.seconds)
            if self.recent and (self.step % REPORT_EVERY == 0 or self.step == config.steps):
                self._report(clock, journal, report)
            if self.step >= config.steps or self._must_end(clock, stop):
                break
            if self._must_save(clock):
                self.save()
                clock.saved()
            self.recent.append(self._one_step(maker))
            self.step += 1
            clock.step_done()
        self.seconds = clock.total()
        self.save()
        if journal is not None:
            journal.close()

    def _one_step(self, maker: BatchMaker) -> Tensor:
        config = self.config
        set_rate(self.optimiser, config, self.step)
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        batch = maker.batch(self.step)
        with SharedDraws(maker.rank, maker.world) if maker.world > 1 else contextlib.nullcontext():
            loss: Tensor = self.model(batch.image, batch.label, batch.keep)
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(
            self.model, self.optimiser, max_norm=config.clip_grad, error_if_nonfinite=False
        )
        self.optimiser.step()
        self.average.update(self.bare)
        return loss.detach()

    def _validation_is_due(self) -> bool:
        due = self.step % self.config.validate_every == 0 or self.step >= self.config.steps
        return due and self.step > self.validated_at

    def _validate(self, checks: Sequence[Case], journal: Journal | None, stop: StopSignal) -> None:
        with self.average.in_use(self.bare):
            validation = validate(self.bare, checks, self.config, self.fabric, lambda: stop.came)
        self.model.train()
        if validation is None:
            return
        self.validation, self.validated_at = validation.mean, self.step
        self._remember_best(validation)
        if journal is not None:
            journal.validation(self.step, validation)

    def _remember_best(self, validation: Validation) -> None:
        score = score_of(validation)
        if score >= self.best:
            self.best, self.best_step, self.best_validation = score, self.step, validation.mean
            self.best_weights = {key: value.cpu().clone() for key, value in self.average.weights.items()}

    def _must_end(self, clock: Clock, stop: StopSignal) -> bool:
        """Time is up or a signal came, in any process; processes agree, on accelerators every 20 steps."""
        if not self._may_talk():
            return False
        number, late = agreed(self.fabric, float(stop.number), float(clock.is_up()))
        stop.number = int(number)
        return bool(number or late)

    def _must_save(self, clock: Clock) -> bool:
        """Say whether a checkpoint is due; writing never takes more than a tenth of the time."""
        if not self._may_talk():
            return False
        pause = max(self.config.checkpoint_seconds, 10 * self.save_seconds)
        return bool(agreed(self.fabric, float(clock.since_save() > pause))[0])

    def _may_talk(self) -> bool:
        alone_or_cheap = self.fabric.world_size == 1 or self.fabric.device.type == "cpu"
        return alone_or_cheap or self.step % REPORT_EVERY == 0

    def _report(self, clock: Clock, journal: Journal | None, report: Callable[[Step], None] | None) -> None:
        mean: Tensor = self.fabric.all_reduce(torch.stack(self.recent).mean(), reduce_op="mean")
        self.loss = float(mean)
        self._check_loss()
        self.recent.clear()
        config, seconds = self.config, clock.seconds_per_step()
        left_s = (clock.total() / self.step) * (config.steps - self.step)
        rate = self.optimiser.param_groups[-1]["lr"]
        line = Step(self.step, config.steps, self.loss, seconds, left_s, self.validation, rate)
        if journal is not None:
            journal.step(line)
        if report is not None and self.fabric.is_global_zero:
            report(line)

    def _check_loss(self) -> None:
        if not math.isfinite(self.loss):
            raise InputError(
                f"The loss became {self.loss} by step {self.step}: lower 'lr' or raise 'warmup' in the "
                "training file, and start again with another --out folder."
            )

    def save(self) -> None:
        """Write the run's state; never one whose loss is no longer a number."""
        began = time.monotonic()
        recent = torch.stack(self.recent).tolist() if self.recent else []
        if any(not math.isfinite(value) for value in recent):
            self.loss = next(value for value in recent if not math.isfinite(value))
            self._check_loss()
        if self.fabric.is_global_zero:
            state = {
                "parts": self.parts.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "loss": self.loss,
                "recent": recent,
                "best": self.best,
                "best_step": self.best_step,
                "best_weights": self.best_weights,
                "best_validation": self.best_validation,
                "validation": self.validation,
                "validated_at": self.validated_at,
            }
            write_state(self.options.out, self.config, self.names, state)
        self.fabric.barrier()
        self.save_seconds = time.monotonic() - began

    def finish(self, n_validation: int, stop: StopSignal) -> Finished:
        """Return the best weights and how far the run came."""
        measured = self.best_weights is not None
        return Finished(
            weights=self.best_weights or self.average.weights,
            step=self.step,
            done=self.step >= self.config.steps,
            validation=self.best_validation if measured else {},
            best_step=self.best_step if measured else self.step,
            seconds=self.seconds,
            loss=self.loss,
            n_cases=len(self.names),
            n_validation=n_validation,
            signal=stop.number,
            leads=self.fabric.is_global_zero,
        )


class StepLoss(torch.nn.Module):
    """Network and loss behind one `forward`, as distributed wrappers want it."""

    def __init__(self, parts: torch.nn.ModuleDict, n_stages: int) -> None:
        super().__init__()
        self.parts = parts
        self.n_stages = n_stages

    def forward(self, image: Tensor, label: Tensor, keep: float | tuple[float, ...]) -> Tensor:
        """Windows and labels ``(b, ., z, y, x)`` and a keep ratio -> loss."""
        criterion = cast("SegmentationLoss", self.parts["loss"])
        voxels = criterion.draw_voxels()
        logits, trace = self.parts["network"](image, keep, True, voxels)
        each = (keep,) * self.n_stages if isinstance(keep, float) else keep
        loss: Tensor = criterion(logits, label, trace, each, voxels)
        return loss
