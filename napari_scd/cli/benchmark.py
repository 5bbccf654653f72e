"""`napari-scd benchmark`: what the keep ratio saves on this machine, and how other networks compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy
from napari_scd.cli.extras import training_extra
from napari_scd.cli.options import (
    DEFAULT_MODEL,
    DeviceOption,
    JsonOption,
    KeepOption,
    KeepsOption,
    PrecisionOption,
    ThreadsOption,
    parse_keep,
    parse_keeps,
    parse_names,
)
from napari_scd.errors import InputError

QUICK_ROUNDS = 3
FULL_SWEEP = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1)
QUICK_SWEEP = (1.0, 0.5, 0.25)
TASKS = ("inference", "training", "volume")

benchmark = typer.Typer(invoke_without_command=True)

PrecisionsOption = Annotated[str, typer.Option(metavar="P,..", help="auto, float32, bfloat16 or several.")]
ClockOption = Annotated[
    bool,
    typer.Option(
        "--processor-time",
        help="Count processor seconds, which vary less on a busy machine; use --threads 1.",
    ),
]
BatchOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Windows at a time; chosen by device if left out.")
]


@benchmark.callback()
def sweep(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="NAME|FILE|PRESET", help="A model, or a preset with random weights."
        ),
    ] = DEFAULT_MODEL,
    keep_ratios: KeepsOption = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often each keep ratio runs.")] = 9,
    quick: Annotated[bool, typer.Option("--quick", help="Three rounds of three keep ratios.")] = False,
    device: DeviceOption = "auto",
    precision: PrecisionsOption = "auto",
    batch: BatchOption = None,
    threads: ThreadsOption = None,
    processor_time: ClockOption = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Also draw the sweep.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Time the parts of the network on one window, at several keep ratios.

    Every round runs all keep ratios in turn. Numbers are medians over rounds; speed-ups are against the dense
    network in the same round. "napari-scd benchmark compare" compares it with other networks.
    """
    if context.invoked_subcommand is not None:
        return
    keeps = parse_keeps(keep_ratios) or (QUICK_SWEEP if quick else FULL_SWEEP)
    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"--plot '{plot}' must end in .png.")
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.sweep import SweepOrder, run_sweep
        from napari_scd.cli.run.timing import TimingOrder

    timing = TimingOrder(device, _words(precision), batch, threads, processor_time)
    n_rounds = min(rounds, QUICK_ROUNDS) if quick else rounds
    run_sweep(SweepOrder(model, keeps, n_rounds, timing, plot), as_json=as_json)


@benchmark.command("compare")
def compare(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE|PRESET",
            help="Networks to compare; repeat for several. NAME-plain: also without our own kernels.",
        ),
    ] = None,
    only: Annotated[
        str, typer.Option(metavar="TASK,..", help="inference, training, volume or several of them.")
    ] = ",".join(TASKS),
    keep_ratios: KeepsOption = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often each network runs.")] = 5,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small windows, few keep ratios, two rounds: under two minutes.")
    ] = False,
    window: Annotated[
        int | None,
        typer.Option(min=32, metavar="VOX", help="Edge of the presets' windows; models keep their own."),
    ] = None,
    outputs: Annotated[
        int, typer.Option(min=2, metavar="N", help="Output channels of presets and other networks.")
    ] = 14,
    rivals: Annotated[
        bool, typer.Option("--rivals/--no-rivals", help="UNETR, SwinUNETR, SegResNet and DynUNet by MONAI.")
    ] = True,
    volume: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A whole scan to segment; a synthetic one if left out."),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionsOption = "float32,auto",
    batch: BatchOption = None,
    threads: ThreadsOption = None,
    processor_time: ClockOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Write benchmark.md, benchmark.json, benchmark.png."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare presets, models and well-known networks: inference, a training step, a whole volume.

    All run in turn in every round, so that ratios compare times from the same moments. Arithmetic is given as
    a share of this machine's peak in matrix products, measured in the same rounds.
    """
    tasks = _words(only)
    if not set(tasks) <= set(TASKS):
        raise InputError(f"--only got '{only}': give some of {', '.join(TASKS)}.")
    keeps = parse_keeps(keep_ratios) or ((1.0, 0.25) if quick else FULL_SWEEP)
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.compare_networks import CompareOrder, run_comparison
        from napari_scd.cli.run.timing import TimingOrder

    order = CompareOrder(
        models=tuple(models or ()),
        tasks=tasks,
        keeps=keeps,
        rounds=min(rounds, 2) if quick else rounds,
        quick=quick,
        roi_vox=window,
        out_channels=outputs,
        rivals=rivals,
        volume=volume,
        timing=TimingOrder(device, _words(precision), batch, threads, processor_time),
    )
    with training_extra("Timing training steps", ", or give --only inference,volume"):
        run_comparison(order, out=out, as_json=as_json)


@benchmark.command("stages")
def stages(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="A scan to segment; its labels are not kept.")],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME|FILE", help="A model of whole scans.")
    ] = "abdomen-ct",
    keep_ratio: KeepOption = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often it runs.")] = 3,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    processor_time: ClockOption = False,
    as_json: JsonOption = False,
) -> None:
    """Time one scan from file to file, stage by stage.

    Reading, resampling, the parts of the network, blending, the way back to the scan's grid, and writing.
    """
    keep = parse_keep(keep_ratio)
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.stages import StagesOrder, run_stages

    run_stages(StagesOrder(scan, model, keep, rounds, device, precision, threads, processor_time, as_json))


@benchmark.command("peers")
def peers(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="A scan to segment; no labels are kept.")],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME|FILE", help="Chosen by the scan if left out."),
    ] = None,
    keep_ratios: KeepsOption = None,
    names: Annotated[
        list[str] | None, typer.Option("--peers", metavar="NAME,..", help="Only these other programs.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often each runs.")] = 1,
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="CPU threads of every program.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write peers.md and peers.json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Segment one scan from start to end with napari-scd and other programs: whole processes, in one run.

    Each reads the file, segments it and writes labels. The others use MONAI's transforms and random weights:
    MONAI's networks in a sliding window, MeshNet as brainchop runs it (256 x 256 x 256 voxels of 1 mm). Shows
    wall time, processor time and peak memory. The others take minutes and several GiB each.
    """
    keeps = parse_keeps(keep_ratios) or (0.25,)
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.peers import PeersOrder, run_peers

    order = PeersOrder(scan, model, keeps, parse_names(names), rounds, threads)
    with training_extra("MONAI's networks"):
        run_peers(order, out=out, as_json=as_json)


@benchmark.command("throughput")
def throughput(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="A NIfTI or MGH file to be copied.")],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME|FILE", help="A model of whole scans.")
    ] = "abdomen-ct",
    workers: Annotated[str, typer.Option(metavar="N,..", help="Numbers of processes.")] = "1,2",
    threads: Annotated[str, typer.Option(metavar="N,..", help="Numbers of threads of each.")] = "1",
    scans: Annotated[int, typer.Option(min=1, metavar="N", help="Scans for each process.")] = 3,
    keep_ratio: KeepOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write throughput.md and throughput.json."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Segment a cohort on this machine, with different numbers of processes and threads.

    Shows scans per hour, and the memory of each process and of all together. "later" is the rate in a cohort
    so long that loading PyTorch and the model does not matter.
    """
    counts = [parse_counts(option, text) for option, text in (("--workers", workers), ("--threads", threads))]
    keep = 0.5 if keep_ratio is None else parse_keep(keep_ratio)
    if not isinstance(keep, float):
        raise InputError("--keep-ratio takes one number here.")
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.throughput import ThroughputOrder, run_throughput

    order = ThroughputOrder(scan, model, counts[0], counts[1], scans, keep)
    run_throughput(order, out=out, as_json=as_json)


@benchmark.command("gpu")
def gpu(
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="NAME|FILE", help="Instead of the shipped models; repeatable."),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="cuda or mps; cpu checks that every step works.")
    ] = "cuda",
    minutes: Annotated[
        float, typer.Option(min=0, metavar="N", help="Start no further step after this time.")
    ] = 5.0,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write gpu.md and gpu.json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure everything on a GPU in five minutes: agreement with the CPU, times, memory, training.

    Scans in float32 and bfloat16, windows dense and pruned, training steps, and compiled networks (CUDA
    graphs), in this order; steps skipped for lack of time are listed.
    """
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.gpu import run_gpu

    with training_extra("Timing training steps"):
        run_gpu(tuple(models or ()), device, 60 * minutes, out=out, as_json=as_json)


def parse_counts(option: str, text: str, least: int = 1) -> tuple[int, ...]:
    """Parse numbers such as "1,2,4".

    Raises
    ------
    InputError
        For anything else.
    """
    try:
        counts = tuple(int(word) for word in _words(text))
    except ValueError:
        counts = ()
    if not counts or min(counts) < least:
        raise InputError(f"{option} got '{text}': give whole numbers from {least}, such as 1,2,4.")
    return counts


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))
