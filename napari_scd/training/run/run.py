"""One run: what it consists of, how it proceeds from step to step, what it returns."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

import torch

from napari_scd.errors import InputError
from napari_scd.training.run.clock import Clock
from napari_scd.training.run.ema import WeightAverage
from napari_scd.training.run.journal import Journal, Step
from napari_scd.training.run.optimiser import make_optimiser, set_rate
from napari_scd.training.run.options import RunOptions, RunResult
from napari_scd.training.run.processes import SharedDraws, agreed
from napari_scd.training.run.state import TrainerState
from napari_scd.training.run.state_file import read_state, write_state
from napari_scd.training.run.step_loss import StepLoss
from napari_scd.training.run.validate import Validation, score_of, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lightning_fabric import Fabric
    from torch import Tensor

    from napari_scd.model import ScdNetwork
    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data import BatchMaker, Case, PromptBatchMaker, Sample
    from napari_scd.training.notices import Notice
    from napari_scd.training.run.loss import SegmentationLoss
    from napari_scd.training.run.prompt_loss import PromptLoss
    from napari_scd.training.run.stopping import StopSignal

REPORT_EVERY = 20


class TrainingRun:
    """Weights, optimiser and state of a run; the loop itself.

    Parameters
    ----------
    fabric : Fabric
        Launched.
    config : TrainConfig
    options : RunOptions
    network : ScdNetwork
        With the weights to start from.
    loss : SegmentationLoss or PromptLoss
    names : sequence of str
        Of the training cases; a state with other cases is rejected.
    """

    def __init__(
        self,
        fabric: Fabric,
        config: TrainConfig,
        options: RunOptions,
        network: ScdNetwork,
        loss: SegmentationLoss | PromptLoss,
        names: Sequence[str] = (),
    ) -> None:
        self.fabric, self.config, self.options = fabric, config, options
        self.bare = network
        self.average = WeightAverage(network.to(fabric.device), config.ema)
        parts = torch.nn.ModuleDict({"network": network, "loss": loss.to(fabric.device)})
        self.model, self.optimiser = fabric.setup(
            StepLoss(parts, config.model.n_stages), make_optimiser(parts, config)
        )
        self.stateful = {"parts": parts, "optimiser": self.optimiser, "average": self.average}
        self.names = names
        self.state = TrainerState()
        self.save_seconds = 0.0

    def resume(self) -> None:
        """Continue from the folder's state, if there is one."""
        saved = read_state(self.options.out, self.config, self.names)
        if saved is None:
            return
        for name, part in self.stateful.items():
            part.load_state_dict(saved[name])
        self.state = TrainerState.from_saved(saved, self.fabric.device)

    def loop(
        self,
        maker: BatchMaker | PromptBatchMaker,
        checks: Sequence[Case] | Sequence[Sample],
        stop: StopSignal,
        report: Callable[[Step], None] | None,
        tell: Callable[[Notice], None] | None,
    ) -> None:
        """Step, report, validate and save until the end, the time limit or a signal."""
        config, state = self.config, self.state
        journal = self._journal(tell)
        clock = Clock(state.seconds, self.options.max_minutes)
        self.model.train()
        while True:
            state.seconds = clock.total()
            if checks and self._validation_is_due():
                self.save()
                self._validate(checks, journal, stop)
                clock.leave_out(clock.total() - state.seconds)
            if state.recent and (state.step % REPORT_EVERY == 0 or state.step == config.steps):
                self._report(clock, journal, report)
            if state.step >= config.steps or self._must_end(clock, stop):
                break
            if self._must_save(clock):
                self.save()
                clock.saved()
            state.recent.append(self._one_step(maker))
            state.step += 1
            clock.step_done()
        state.seconds = clock.total()
        self.save()
        if journal is not None:
            journal.close()

    def _journal(self, tell: Callable[[Notice], None] | None) -> Journal | None:
        """Open the run's journal, in the process that leads."""
        if not self.fabric.is_global_zero:
            return None
        reported = self.state.step - bool(self.state.recent)
        return Journal(
            self.options.out,
            self.config,
            reported,
            self.state.validated_at,
            tensorboard=self.options.tensorboard,
            tell=tell,
        )

    def _one_step(self, maker: BatchMaker | PromptBatchMaker) -> Tensor:
        config, step = self.config, self.state.step
        set_rate(self.optimiser, config, step)
        torch.manual_seed(config.seed * 1_000_003 + step)
        batch = maker.batch(step)
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
        step = self.state.step
        due = step % self.config.validate_every == 0 or step >= self.config.steps
        return due and step > self.state.validated_at

    def _validate(
        self, checks: Sequence[Case] | Sequence[Sample], journal: Journal | None, stop: StopSignal
    ) -> None:
        with self.average.in_use(self.bare):
            validation = validate(self.bare, checks, self.config, self.fabric, lambda: stop.received)
        self.model.train()
        if validation is None:
            return
        self.state.validation, self.state.validated_at = validation.mean, self.state.step
        self._remember_best(validation)
        if journal is not None:
            journal.validation(self.state.step, validation)

    def _remember_best(self, validation: Validation) -> None:
        score, state = score_of(validation), self.state
        if score >= state.best:
            state.best, state.best_step, state.best_validation = score, state.step, validation.mean
            state.best_weights = {key: value.cpu().clone() for key, value in self.average.weights.items()}

    def _must_end(self, clock: Clock, stop: StopSignal) -> bool:
        """Whether time is up or a signal arrived, in any process; accelerators check every 20 steps."""
        if not self._may_talk():
            return False
        number, late = agreed(self.fabric, float(stop.number), float(clock.is_up()))
        stop.number = int(number)
        return bool(number or late)

    def _must_save(self, clock: Clock) -> bool:
        """Whether a checkpoint is due; writing never takes more than a tenth of the time."""
        if not self._may_talk():
            return False
        pause = max(self.config.checkpoint_seconds, 10 * self.save_seconds)
        return bool(agreed(self.fabric, float(clock.since_save() > pause))[0])

    def _may_talk(self) -> bool:
        alone_or_cheap = self.fabric.world_size == 1 or self.fabric.device.type == "cpu"
        return alone_or_cheap or self.state.step % REPORT_EVERY == 0

    def _report(self, clock: Clock, journal: Journal | None, report: Callable[[Step], None] | None) -> None:
        config, state = self.config, self.state
        mean: Tensor = self.fabric.all_reduce(torch.stack(state.recent).mean(), reduce_op="mean")
        state.loss = float(mean)
        _check_loss(state.loss, state.step)
        state.recent.clear()
        seconds = clock.seconds_per_step()
        left_s = (clock.total() / state.step) * (config.steps - state.step)
        rate = self.optimiser.param_groups[-1]["lr"]
        line = Step(state.step, config.steps, state.loss, seconds, left_s, state.validation, rate)
        if journal is not None:
            journal.step(line)
        if report is not None and self.fabric.is_global_zero:
            report(line)

    def save(self) -> None:
        """Write the run's state; never one whose loss is no longer a number."""
        began = time.monotonic()
        saved = self.state.to_saved()
        for loss in saved["recent"]:
            _check_loss(loss, self.state.step)
        if self.fabric.is_global_zero:
            parts = {name: part.state_dict() for name, part in self.stateful.items()}
            write_state(self.options.out, self.config, self.names, {**parts, **saved})
        self.fabric.barrier()
        self.save_seconds = time.monotonic() - began

    def finish(self, n_validation: int, stop: StopSignal) -> RunResult:
        """Return the best weights and how far the run got."""
        state = self.state
        measured = state.best_weights is not None
        return RunResult(
            weights=state.best_weights or self.average.weights,
            step=state.step,
            done=state.step >= self.config.steps,
            validation=state.best_validation if measured else {},
            best_step=state.best_step if measured else state.step,
            seconds=state.seconds,
            loss=state.loss,
            n_cases=len(self.names),
            n_validation=n_validation,
            signal=stop.number,
            leads=self.fabric.is_global_zero,
        )


def _check_loss(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise InputError(
            f"The loss became {loss} by step {step}: lower 'lr' or raise 'warmup' in the training file, and "
            "start again in another folder."
        )
