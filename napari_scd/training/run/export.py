"""Turns the result of a run into one model file that every part of the program can use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from napari_scd.checkpoints import Provenance, save
from napari_scd.model import build_network

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.training.config import TrainConfig
    from napari_scd.training.run.options import RunResult


def export(path: Path, config: TrainConfig, finished: RunResult, *, command: str = "") -> Provenance:
    """Write the run's best averaged weights with recipe, labels and provenance.

    Parameters
    ----------
    path : Path
        ``.safetensors``.
    command : str
        The command line, for the card.

    Returns
    -------
    Provenance
        As stored.

    Raises
    ------
    InputError
        The file cannot be written; an earlier one stays.
    """
    network = build_network(config.model)
    network.load_state_dict(finished.weights)
    provenance = provenance_of(config, finished, command)
    save(path, network, config.recipe, config.table, provenance)
    return provenance


def provenance_of(config: TrainConfig, finished: RunResult, command: str = "") -> Provenance:
    """Where the exported model comes from; unfinished runs are always a preview."""
    return Provenance(
        name=config.name,
        title=config.title,
        description=config.description,
        data=config.data_note or f"{finished.n_cases} cases of the user's own",
        licence=config.licence,
        steps=finished.best_step,
        seed=config.seed,
        metrics=_metrics(config, finished, command),
        preview=config.preview or not finished.done,
        created=datetime.now(UTC).date().isoformat(),
    )


def _metrics(config: TrainConfig, finished: RunResult, command: str) -> dict[str, Any]:
    """Put validation Dice beside a summary of the run.

    By keep ratio, ``{"dice": {"0.5": 0.87}}``, or of promptable models by clicks,
    ``{"dice_after": {"1 click": 0.6}}``.
    """
    measured = {key.partition("@")[2]: round(value, 4) for key, value in finished.validation.items()}
    training: dict[str, Any] = {
        "cases": finished.n_cases,
        "steps": f"{finished.step} of {config.steps}",
        "batch": config.batch,
        "minutes": round(finished.seconds / 60, 1),
        "loss": round(finished.loss, 4) if finished.loss == finished.loss else None,
    }
    if config.model.completion == "zero":
        training["control"] = "zero tokens into the decoder"
    if command:
        training["command"] = command
    if not measured:
        return {"training": training}
    if config.prompts is None:
        of = f"{finished.n_validation} validation cases"
        return {"dice": measured, "dice_of": of, "training": training}
    by_clicks = {f"{clicks} click{'s' * (clicks != '1')}": dice for clicks, dice in measured.items()}
    of = f"{finished.n_validation} validation windows"
    return {"dice_after": by_clicks, "dice_after_of": of, "training": training}
