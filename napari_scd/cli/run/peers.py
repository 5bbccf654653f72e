"""The work of `benchmark peers`: whole processes on one scan, shown and written."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress

from napari_scd.benchmarks import (
    PEERS,
    compare_processes,
    peer_command,
    peers_dict,
    peers_grid,
    peers_table,
)
from napari_scd.checkpoints import describe
from napari_scd.cli.console import err
from napari_scd.cli.run.timing import advance, check_keeps
from napari_scd.cli.run.timing_results import TimingResults, show_results
from napari_scd.engine import guess_modality
from napari_scd.errors import InputError
from napari_scd.volume import read_volume

if TYPE_CHECKING:
    from napari_scd.benchmarks import Peer

SUITED = {"CT": "abdomen-ct", "MR": "brain-mr"}


@dataclass(frozen=True)
class PeersOrder:
    """What one call of `benchmark peers` asks for.

    `model` None goes by the scan; `names` empty takes all peers of its modality.
    """

    scan: Path
    model: str | None
    keeps: tuple[float, ...]
    names: tuple[str, ...]
    rounds: int
    threads: int


def run_peers(order: PeersOrder, *, out: Path | None, as_json: bool) -> None:
    """Run ours and all peers, and show what each costs.

    Raises
    ------
    InputError
        For a scan that cannot be read, an unknown model or peer, a model of points, or a process that fails.
    """
    check_keeps(order.keeps)
    volume = read_volume(order.scan)
    modality = describe(order.model).recipe.modality if order.model else guess_modality(volume) or "MR"
    model = order.model or SUITED[modality]
    if describe(model).recipe.field != "whole":
        raise InputError(f"{model} needs points: give a model that segments whole scans.")
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            f"{model}, keep {keep:g}{'' if precision == 'auto' else f', {precision}'}": _our_command(
                order, model, keep, precision, Path(folder)
            )
            for keep in order.keeps
            for precision in ("auto", "float32")
        }
        for peer in chosen_peers(modality, order.names):
            commands[peer.name] = peer_command(peer, order.scan, Path(folder) / "peer.nii.gz", order.threads)
        with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
            task = bar.add_task(order.scan.name, total=order.rounds)
            rows = compare_processes(commands, rounds=order.rounds, progress=partial(advance, bar, task))
    shape = " x ".join(map(str, volume.spatial_shape))
    about = (
        f"Whole processes on a scan of {shape} voxels, file to file; {order.threads} "
        f"thread{'s' * (order.threads != 1)}, {order.rounds} round{'s' * (order.rounds != 1)} in turn; the "
        "others have random weights and run in float32."
    )
    results = TimingResults(peers_grid(rows), peers_table(rows), peers_dict(rows), about)
    show_results("peers", results, out=out, as_json=as_json)


def chosen_peers(modality: str, names: tuple[str, ...]) -> tuple[Peer, ...]:
    """Peers of a modality by their names or by what their names begin with; all when none is named.

    Raises
    ------
    InputError
        For an unknown name.
    """
    known = PEERS[modality]
    for name in names:
        if not any(peer.name.startswith(name) for peer in known):
            listed = ", ".join(peer.name for peer in known)
            raise InputError(f"There is no peer '{name}' for {modality}: choose some of {listed}.")
    return tuple(peer for peer in known if not names or peer.name.startswith(names))


def _our_command(order: PeersOrder, model: str, keep: float, precision: str, folder: Path) -> list[str]:
    start = "from napari_scd.cli import main; main()"
    command = [sys.executable, "-c", start, "segment", str(order.scan), "-o", str(folder / "ours.nii.gz")]
    command += ["--model", model, "--keep-ratio", f"{keep:g}", "--precision", precision]
    return [*command, "--threads", str(order.threads)]
