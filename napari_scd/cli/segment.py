"""`napari-scd segment`: its options, turned into one frozen order."""

from __future__ import annotations

import os  # its tests of paths never raise, Path's do for names that are too long
from pathlib import Path
from typing import Annotated

import typer

from napari_scd.batch.paths import LABEL_SUFFIXES, Targets, plan_batch
from napari_scd.cli.channels import parse_channels
from napari_scd.cli.console import busy
from napari_scd.cli.orders import DEFAULT_MODEL, Order
from napari_scd.cli.points import parse_point
from napari_scd.errors import InputError

ModelOption = Annotated[
    str, typer.Option("--model", "-m", metavar="NAME|FILE", help="A name of `models list`, or a model file.")
]
KeepOption = Annotated[
    str | None,
    typer.Option(
        "--keep-ratio",
        "-k",
        metavar="K | K1,K2,K3",
        help="Share of the living tokens each stage keeps, 0.05 to 1; the model's own when left out.",
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[str, typer.Option(help="auto, float32 or bfloat16.")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="CPU threads to compute with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for another program instead of tables.")]


def segment(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File for the labels (.nii.gz, .mgz; .dcm: DICOM segmentation); for several inputs or a "
            "study tree a folder.",
        ),
    ],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IN",
            help="NIfTI or MGH/MGZ volumes, DICOM series (folder or file), or a folder of studies.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    keep_ratio: KeepOption = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="R A S",
            help="A point in mm (right, anterior, superior): keep the structure under it; repeatable.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None, typer.Option(metavar="NAME,..", help="Keep only these structures or groups.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="One input channel, instead of IN; once for each channel."),
    ] = None,
    frame: Annotated[int | None, typer.Option(metavar="N", help="Which image of a 4D file, from 0.")] = None,
    series: Annotated[
        str | None, typer.Option(metavar="N", help="Which series of a DICOM folder, by its number.")
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Use torch.compile: slow to start, may pay for many scans on a GPU."),
    ] = False,
    stride: Annotated[
        int | None, typer.Option(metavar="VOXELS", help="Step between windows; half a window when left out.")
    ] = None,
    tokens: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write where each token left the network.")
    ] = None,
    score: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the first stage's token scores.")
    ] = None,
    probability: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write class probabilities (4D, large).")
    ] = None,
    each: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write each structure to a file of its own; may overlap."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Also write what was run, tokens, seconds and volumes in ml."),
    ] = None,
    hash_names: Annotated[
        bool, typer.Option("--hash-names", help="Put a code in place of file names into the report.")
    ] = False,
    dicom_seg: Annotated[
        bool, typer.Option("--dicom-seg", help="Of a study tree: labels of DICOM series as DICOM too.")
    ] = False,
    redo: Annotated[
        bool, typer.Option("--redo", help="Of a study tree: also what is finished already.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Of a study tree: let the workers of this dask scheduler do it."
        ),
    ] = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Segment volumes and write label files on the inputs' own grids.

    With several inputs, a bad one is reported and the others finish; the exit code is then 2. Of a folder
    every scan below it is segmented into OUT, a folder as well, with a summary.csv; the same command goes on
    where it stopped.
    """
    channels = parse_channels(channel or ())
    sources = _sources(inputs, channels)
    order = Order(
        model=model,
        keep=parse_keep(keep_ratio),
        points=tuple(parse_point(text) for text in at or ()),
        structures=parse_names(labels),
        frame=frame,
        series=series,
        device=device,
        precision=precision,
        compiled=compiled,
        stride=stride,
        probability=probability is not None,
        masks=each is not None,
        channels=tuple(channels.items()),
        threads=threads,
        hash_names=hash_names,
    )
    targets = Targets(output, tokens, score, probability, report, each)
    if _is_tree(sources, output):
        raise typer.Exit(_segment_tree(sources, targets, order, dicom_seg, redo, scheduler, as_json))
    if scheduler or redo or dicom_seg:
        raise InputError(
            "--scheduler, --redo and --dicom-seg go with a study tree: give a folder (IN) and a folder (-o)."
        )
    batch = plan_batch(sources, targets, also_read=channels.values())
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.segment import run_batch  # only when there is something to compute

    raise typer.Exit(run_batch(batch, order, as_json=as_json))


def _is_tree(sources: list[Path], output: Path) -> bool:
    """Whether every input is a folder and the output is one as well, rather than a file of labels."""
    named_file = output.name.lower().endswith(LABEL_SUFFIXES) and not os.path.isdir(output)
    return not named_file and all(map(os.path.isdir, sources))


def _segment_tree(
    sources: list[Path],
    targets: Targets,
    order: Order,
    dicom_seg: bool,
    redo: bool,
    scheduler: str | None,
    as_json: bool,
) -> int:
    if order.series is not None:
        raise InputError("--series chooses one of a folder: name a file of labels (-o FILE) with it.")
    if targets.report is not None:
        raise InputError("--report is not for a study tree: each case has its report beside its labels.")
    with busy("Looking for scans"):
        from napari_scd.batch.cohort import plan_cohort

        cohort = plan_cohort(sources, targets, order, dicom_seg=dicom_seg, redo=redo)
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.cohort import run_cohort

    return run_cohort(cohort, scheduler=scheduler, as_json=as_json)


def _sources(inputs: list[Path] | None, channels: dict[str, Path]) -> list[Path]:
    """Input files; a case given channel by channel goes by its first file."""
    if channels and inputs:
        raise InputError("Both IN and --channel came: give whole files, or one file for each channel.")
    if not channels and not inputs:
        raise InputError(
            "No input came: give one or more volumes (IN), or --channel NAME=FILE for each channel."
        )
    return inputs or [next(iter(channels.values()))]


def parse_keep(text: str | None) -> float | tuple[float, ...] | None:
    """Read ``K`` or ``K1,K2,K3``; the range is checked where it is used.

    Raises
    ------
    InputError
        When a part is not a number.
    """
    if text is None:
        return None
    try:
        ratios = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--keep-ratio got '{text}': give one share from 0.05 to 1, or one per stage such as 0.5,0.4,0.3."
        ) from None
    return ratios[0] if len(ratios) == 1 else ratios


def parse_names(texts: list[str] | None) -> tuple[str, ...]:
    """Read ``NAME,..``, given once or several times."""
    return tuple(name.strip() for text in texts or () for name in text.split(",") if name.strip())
