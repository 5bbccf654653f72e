"""Training: one readable pass from data to averaged weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.training.data import (
    BatchMaker,
    PromptBatchMaker,
    absent_labels,
    balanced,
    check_samples,
    list_sets,
    load_prompt_cases,
    load_sources,
    on_device,
)
from napari_scd.training.notices import AbsentStructures
from napari_scd.training.run.folder_lock import locked_folder
from napari_scd.training.run.initial import start_from
from napari_scd.training.run.loss import SegmentationLoss
from napari_scd.training.run.processes import launched_fabric
from napari_scd.training.run.prompt_loss import PromptLoss
from napari_scd.training.run.run import TrainingRun
from napari_scd.training.run.stopping import StopSignal
from napari_scd.training.run.validate_clicks import answering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightning_fabric import Fabric

    from napari_scd.model import ScdNetwork
    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data import Case, Sample
    from napari_scd.training.notices import Notice
    from napari_scd.training.run.journal import Step
    from napari_scd.training.run.options import RunOptions, RunResult


def train(
    config: TrainConfig,
    options: RunOptions,
    report: Callable[[Step], None] | None = None,
    tell: Callable[[Notice], None] | None = None,
) -> RunResult:
    """Train until ``config.steps`` or ``options.max_minutes``; continue where the folder's state ends.

    A first SIGINT or SIGTERM ends the run after the current step, with a checkpoint.

    Parameters
    ----------
    config : TrainConfig
    options : RunOptions
    report : callable, optional
        Called with a `Step` every 20 steps, in the process that leads.
    tell : callable, optional
        Called with notices: which case is read, what is doubtful.

    Raises
    ------
    InputError
        Bad data or a state of another configuration, before the first step; a loss that is not a number or a
        full disk later on, with the previous checkpoint kept.
    """
    fabric = launched_fabric(options.device, options.precision, options.devices, options.nodes)
    tell = tell if fabric.is_global_zero else None
    _make_folder(options.out)
    with locked_folder(options.out, leads=fabric.is_global_zero):
        return _train(fabric, config, options, report, tell)


def _train(
    fabric: Fabric,
    config: TrainConfig,
    options: RunOptions,
    report: Callable[[Step], None] | None,
    tell: Callable[[Notice], None] | None,
) -> RunResult:
    if config.prompts is not None:
        return _train_promptable(fabric, config, options, report, tell)
    sources = load_sources(config, options.out / "cases", tell)
    absent = absent_labels([*sources.cases, *sources.maps], config)
    if absent and tell is not None:
        tell(AbsentStructures(tuple(absent)))
    network = _network(config, options, tell)
    regions = config.file_values if config.recipe.activation == "sigmoid" else ()
    weighted = balanced(config.loss, sources.cases, config, sources.maps)
    loss = SegmentationLoss(
        weighted,
        config.model,
        regions,
        structure_weights=config.structure_weights,
        ignores=bool(config.data.ignore),
        levels=[width for _, width in network.decoder.coarse_levels()],
    )
    run = TrainingRun(fabric, config, options, network, loss, sources.names)
    run.resume()
    maker = BatchMaker(
        on_device(sources.cases, fabric.device),
        config,
        fabric.global_rank,
        fabric.world_size,
        fabric.device,
        maps=on_device(sources.maps, fabric.device),
    )
    return _result(run, maker, sources.checks, report, tell)


def _train_promptable(
    fabric: Fabric,
    config: TrainConfig,
    options: RunOptions,
    report: Callable[[Step], None] | None,
    tell: Callable[[Notice], None] | None,
) -> RunResult:
    training, held_back = list_sets(config)
    cases = load_prompt_cases(training, config, options.out / "cases", tell=tell)
    checks = check_samples(load_prompt_cases(held_back, config, options.out / "cases", tell=tell), config)
    network = _network(config, options, tell)
    loss = PromptLoss(config.loss, config.model)
    run = TrainingRun(fabric, config, options, network, loss, [case.name for case in cases])
    run.resume()
    answer = answering(network, fabric)
    maker = PromptBatchMaker(cases, config, answer, fabric.global_rank, fabric.world_size, fabric.device)
    return _result(run, maker, checks, report, tell)


def _network(config: TrainConfig, options: RunOptions, tell: Callable[[Notice], None] | None) -> ScdNetwork:
    """Build the network, with weights of another model where there is one to start from."""
    torch.manual_seed(config.seed)
    network = build_network(config.model)
    if options.init is not None:
        started = start_from(network, options.init)
        if tell is not None:
            tell(started)
    return network


def _result(
    run: TrainingRun,
    maker: BatchMaker | PromptBatchMaker,
    checks: Sequence[Case] | Sequence[Sample],
    report: Callable[[Step], None] | None,
    tell: Callable[[Notice], None] | None,
) -> RunResult:
    """Train to the end, the time limit or a signal."""
    try:
        with StopSignal() as stop:
            run.loop(maker, checks, stop, report, tell)
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"A batch of {run.config.batch} windows does not fit into the memory of '{run.fabric.device}': "
            "lower 'batch' or the model's 'roi', or use more processes."
        ) from error
    return run.finish(len(checks), stop)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be created ({error.strerror}): use another output folder."
        ) from error
