"""`napari-scd segment`: its options, turned into one frozen job."""

from __future__ import annotations

import os  # its tests of paths never raise; Path's do for names that are too long
from pathlib import Path
from typing import Annotated

import typer

from napari_scd.batch import SegmentJob, Targets, names_labels_file, plan_batch, request_of
from napari_scd.cli.channels import parse_channels
from napari_scd.cli.console import busy, say
from napari_scd.cli.options import (
    AirOption,
    DeviceOption,
    JsonOption,
    KeepOption,
    PrecisionOption,
    SharpenOption,
    ThreadsOption,
    parse_keep,
    parse_names,
    parse_surface_format,
)
from napari_scd.cli.points import parse_point
from napari_scd.cli.prompts import (
    BoxOption,
    NotAtOption,
    PromptsOption,
    RefineOption,
    check_one_scan,
    parse_prompts,
)
from napari_scd.errors import InputError


def segment(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File for the labels (.nii.gz, .mgz, or .dcm for a DICOM segmentation); a folder for "
            "several inputs or a study tree.",
        ),
    ],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IN",
            help="NIfTI or MGH/MGZ scans, DICOM series (folder or file), or a folder of studies.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A name from `models list`, or a model file; the one for CT or MR if left out.",
        ),
    ] = None,
    keep_ratio: KeepOption = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="R A S",
            help="A point in mm (right, anterior, superior): keep the structure under it; repeatable.",
        ),
    ] = None,
    not_at: NotAtOption = None,
    box: BoxOption = None,
    refine: RefineOption = None,
    prompts: PromptsOption = None,
    labels: Annotated[
        list[str] | None, typer.Option(metavar="NAME,..", help="Keep only these structures or groups.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE", help="A file for one input channel, instead of IN; repeat for each channel."
        ),
    ] = None,
    frame: Annotated[int | None, typer.Option(metavar="N", help="Which volume of a 4D file, from 0.")] = None,
    series: Annotated[
        str | None, typer.Option(metavar="N", help="Which series of a DICOM folder, by its number.")
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    sharpen: SharpenOption = "borders",
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile", help="Use torch.compile: slow to start, may pay off for many scans on a GPU."
        ),
    ] = False,
    stride: Annotated[
        int | None, typer.Option(metavar="VOXELS", help="Step between windows; the model's own if left out.")
    ] = None,
    clean_up: Annotated[
        bool,
        typer.Option(
            "--clean-up/--no-clean-up",
            help="In whole scans, remove stray parts of structures that the model lists as single.",
        ),
    ] = True,
    air: AirOption = False,
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
    statistics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="Also write volumes, intensities, surfaces and positions of structures."
        ),
    ] = None,
    surfaces: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write the surface of each structure as a mesh."),
    ] = None,
    surface_format: Annotated[
        str, typer.Option(metavar="NAME", help="stl, obj or ply, for --surfaces.")
    ] = "stl",
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Also write what was run, tokens, seconds and volumes in ml; for several scans one file, or "
            "a folder.",
        ),
    ] = None,
    hash_names: Annotated[
        bool, typer.Option("--hash-names", help="Write codes instead of file names into reports.")
    ] = False,
    dicom_seg: Annotated[
        bool,
        typer.Option("--dicom-seg", help="For a study tree: write the labels of DICOM series as DICOM too."),
    ] = False,
    redo: Annotated[
        bool, typer.Option("--redo", help="For a study tree: segment again what is finished already.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="For a study tree: use the workers of this dask scheduler."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="For a study tree: how many processes segment scans at the same time."
        ),
    ] = 1,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Segment volumes and write label files on the inputs' own grids.

    With several inputs, a bad one is reported and the others finish; the exit code is then 2. A folder is
    searched: every scan below it is segmented into OUT, a folder as well, with a summary.csv. Rerun the
    command to resume.
    """
    channels = parse_channels(channel or ())
    sources = _sources(inputs, channels)
    job = SegmentJob(
        Targets(output, tokens, score, probability, report, each, surfaces, statistics),
        model=model or _suited_model(sources, has_points=bool(at), has_channels=bool(channel)),
        keep=parse_keep(keep_ratio),
        points=tuple(parse_point(text) for text in at or ()),
        prompts=parse_prompts(not_at, box, refine, prompts, points=bool(at)),
        structures=parse_names(labels),
        channels=tuple(channels.items()),
        frame=frame,
        series=series,
        stride=stride,
        clean_up=clean_up,
        air=air,
        device=device,
        precision=precision,
        sharpen=sharpen,
        compiled=compiled,
        threads=threads,
        surface_format=parse_surface_format(surface_format),
        hash_names=hash_names,
        dicom_seg=dicom_seg,
        redo=redo,
    )
    if model is None and not as_json:
        say(f"Model: {job.model}, which suits the scan; --model chooses another.", style="dim")
    is_tree = _is_tree(sources, output)
    check_one_scan(job.model, job.prompts, sources, is_tree=is_tree)
    if is_tree:
        raise typer.Exit(_segment_tree(sources, job, scheduler, workers, as_json=as_json))
    if scheduler or redo or dicom_seg or workers > 1:
        raise InputError(
            "--scheduler, --workers, --redo and --dicom-seg are for study trees: give a folder (IN) and a "
            "folder (-o)."
        )
    _check(job)
    plan = plan_batch(sources, job.targets, also_read=[*channels.values(), *job.prompts.files])
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.segment import run_batch  # only when there is something to compute

    raise typer.Exit(run_batch(plan, job, as_json=as_json))


def _suited_model(sources: list[Path], *, has_points: bool, has_channels: bool) -> str:
    """Name the model that is used when none is given."""
    from napari_scd.batch import model_for  # reads models and scans: only when there is a choice to make

    if has_channels:
        raise InputError("Several channels need a model that takes them: name it with --model.")
    return model_for(sources, at_points=has_points)


def _is_tree(sources: list[Path], output: Path) -> bool:
    """Whether every input is a folder and the output is one as well, rather than a file of labels."""
    return not names_labels_file(output) and all(map(os.path.isdir, sources))


def _segment_tree(
    sources: list[Path], job: SegmentJob, scheduler: str | None, n_workers: int, *, as_json: bool
) -> int:
    if scheduler and n_workers > 1:
        raise InputError("Use either --scheduler or --workers: a cluster has workers of its own.")
    if job.series is not None:
        raise InputError("--series chooses one series of a folder: give -o a file for its labels.")
    _check(job)
    with busy("Looking for scans"):
        from napari_scd.batch import plan_cohort

        cohort = plan_cohort(sources, job)
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.cohort import run_cohort

    return run_cohort(cohort, scheduler=scheduler, n_workers=n_workers, as_json=as_json)


def _check(job: SegmentJob) -> None:
    """Refuse what does not go with the model before PyTorch is loaded; its header is enough for that."""
    from napari_scd.checkpoints import describe

    card = describe(job.model)
    request_of(job, card.name, card.labels, card.recipe)


def _sources(inputs: list[Path] | None, channels: dict[str, Path]) -> list[Path]:
    """Input files; a case given channel by channel goes by its first file."""
    if channels and inputs:
        raise InputError("Use either IN or --channel, not both.")
    if not channels and not inputs:
        raise InputError("No input: give one or more scans (IN), or --channel NAME=FILE for each channel.")
    return inputs or [next(iter(channels.values()))]
