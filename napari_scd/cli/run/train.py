"""Carry out a training order: configuration, run, exported model, and a progress line."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from napari_scd.checkpoints import describe, load
from napari_scd.cli.console import err, say, warn
from napari_scd.errors import InputError
from napari_scd.training import (
    Base,
    Initial,
    ReadingCase,
    RunOptions,
    RunResult,
    TrainConfig,
    export,
    find_config,
    forget_state,
    is_shipped,
    read_config,
    train,
    write_example,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_scd.training import Notice, Step


@dataclass(frozen=True)
class TrainOrder:
    """What one call of `train` asks for.

    `config` is a YAML file or a preset's name; `images`, `labels`, `dataset` replace its paths; relative
    paths of its data start from `data_root`; `init` is a model to start from.
    """

    config: str
    out: Path | None = None
    images: Path | None = None
    labels: Path | None = None
    dataset: Path | None = None
    data_root: Path | None = None
    init: str | None = None
    control: bool = False
    resume: bool = True
    max_minutes: float | None = None
    device: str = "auto"
    precision: str = "auto"
    devices: int = 1
    nodes: int = 1
    threads: int | None = None


class Display(NamedTuple):
    """Where a run reports its steps, and where it says sentences."""

    report: Callable[[Step], None]
    tell: Callable[[Notice], None]


def run_training(order: TrainOrder) -> int:
    """Train, export, and return the exit code.

    Returns
    -------
    int
        0, or 128 and the number of the signal that stopped the run.

    Raises
    ------
    InputError
        Bad configuration or data, before the first step; a full disk at a checkpoint.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    config = configuration(order)
    out = order.out or Path("runs") / config.name
    if not order.resume and not _is_helper():
        forget_state(out)
    options = RunOptions(
        out=out,
        device=order.device,
        precision=order.precision,
        devices=order.devices,
        nodes=order.nodes,
        max_minutes=order.max_minutes,
        init=_initial(order.init),
    )
    try:
        with display(config) as shown:
            finished = train(config, options, shown.report, shown.tell)
    except InputError:
        if _is_helper():
            return 2
        raise
    if not finished.leads:
        return 0
    if finished.signal:
        say(f"Stopped at step {finished.step} of {config.steps}. Rerun the command to resume.")
        return 128 + finished.signal
    path = out / f"{config.name}.safetensors"
    export(path, config, finished, command=command_of(order))
    for sentence in closing(config, finished, path):
        say(sentence)
    return 0


def configuration(order: TrainOrder) -> TrainConfig:
    """Read the training file with what the command line adds to it.

    Raises
    ------
    InputError
        The file cannot be used, or has no data.
    """
    paths = {"dataset": order.dataset, "images": order.images, "labels": order.labels}
    data = {key: str(path) for key, path in paths.items() if path is not None}
    base = None
    if order.init is not None:
        card = describe(order.init)
        base = Base(card.config, card.recipe.to_dict(), card.labels.to_list())
    path = find_config(order.config)
    config = read_config(path, data=data, base=base, root=order.data_root)
    given = config.data
    if (given.sets or given.maps) and order.data_root is None and is_shipped(path):
        raise InputError(
            f"'{order.config}' does not say where its data sets are: give the folder that contains them with "
            "--data-root."
        )
    named = given.sets or given.dataset or (given.images and given.labels)
    if not named and config.synthesis is None:
        raise InputError(
            f"'{order.config}' does not say where the data are: give --images and --labels, or --dataset."
        )
    if not named and not given.labels:
        raise InputError(
            f"'{order.config}' draws its images from label maps: give their folder with --labels."
        )
    return config.control() if order.control else config


def command_of(order: TrainOrder) -> str:
    """Return the command line for the model's card, with only the last part of each path."""
    words = ["napari-scd", "train", Path(order.config).name]
    for item in fields(order):
        value = getattr(order, item.name)
        if item.name in ("config", "out", "resume", "threads") or value == item.default:
            continue
        words.append(f"--{item.name.replace('_', '-')}")
        if value is not True:
            words.append(Path(value).name if item.name == "init" else _word(value))
    return shlex.join(words)


def closing(config: TrainConfig, finished: RunResult, path: Path) -> list[str]:
    """Say what was written, how good it is, and how to continue."""
    so_far = "" if finished.done else f" after {finished.step} of {config.steps} steps"
    sentences = [f"Wrote {path}{so_far}, {finished.seconds / 60:.1f} minutes of training."]
    if finished.validation:
        noun = "case" if config.prompts is None else "window"
        cases = f"{finished.n_validation} validation {noun}{'s' * (finished.n_validation != 1)}"
        sentences.append(f"Dice on {cases} at step {finished.best_step}: {dice_text(finished.validation)}.")
    if not finished.done:
        sentences.append("Rerun the command to resume.")
    return sentences


def show_example(folder: Path) -> None:
    """Write the example data set and say how to train on it."""
    config = write_example(folder)
    say(f"Wrote {config} and its data. Train on them with:")
    say(f"napari-scd train {shlex.quote(str(config))}")


def dice_text(validation: dict[str, float]) -> str:
    """Dice by keep ratio, in one line."""
    return ", ".join(f"{value:.3f} {_measured_at(key)}" for key, value in validation.items())


def _measured_at(key: str) -> str:
    """Put into words at what a figure was measured: "dice@0.5", "clicks@3"."""
    what, _, number = key.partition("@")
    if what == "clicks":
        return f"after {number} click{'s' * (number != '1')}"
    return f"at keep {number}"


@contextmanager
def display(config: TrainConfig) -> Iterator[Display]:
    """In a terminal, a single line that is kept up to date; elsewhere, a line for each report."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[text]}", markup=False),
        console=err,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(config.name, total=config.steps, text="")

        def report(step: Step) -> None:
            bar.update(task, completed=step.step, text=step_text(step))
            if not err.is_terminal:
                err.print(f"step {step.step} of {step.steps} · {step_text(step)}", soft_wrap=True)

        def tell(notice: Notice) -> None:
            if isinstance(notice, ReadingCase):
                bar.update(task, text=str(notice))
            else:
                warn(str(notice))

        yield Display(report, tell)


def step_text(step: Step) -> str:
    """Loss, step time, time left, Dice."""
    minutes = step.eta_s / 60
    left = f"{minutes:.0f} min left" if minutes >= 1 else f"{step.eta_s:.0f} s left"
    parts = [f"loss {step.loss:.3f}", f"{step.seconds:.2f} s a step", left]
    if step.validation:
        dice = " ".join(f"{value:.3f}@{key.partition('@')[2]}" for key, value in step.validation.items())
        parts.append(f"Dice {dice}")
    return " · ".join(parts)


def _word(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value)


def _initial(name: str | None) -> Initial | None:
    if name is None:
        return None
    checkpoint = load(name)
    return Initial(name, checkpoint.network.state_dict(), checkpoint.network.config)


def _is_helper() -> bool:
    """Whether this is one of several processes, and not the one that reports to the user."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) > 0
