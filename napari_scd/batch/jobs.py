"""What one call asks for, and the files each scan is read from and written to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

Point = tuple[float, float, float]
"""Right, anterior, superior in mm."""


@dataclass(frozen=True)
class Targets:
    """Where the results go: files for one scan, folders for several; None for what is not wanted.

    `statistics` is one CSV file for all scans; `each` and `surfaces` are folders in any case.
    """

    labels: Path
    tokens: Path | None = None
    score: Path | None = None
    probability: Path | None = None
    report: Path | None = None
    each: Path | None = None
    surfaces: Path | None = None
    statistics: Path | None = None


@dataclass(frozen=True)
class PromptOptions:
    """What a promptable model is told about one scan besides points to include.

    Attributes
    ----------
    exclude : tuple of (R, A, S)
        Points in mm that do not belong to the object.
    box : pair of (R, A, S) or None
        Two opposite corners in mm; nothing outside belongs to the object.
    refine : Path or None
        A label file on the scan's grid, whose mask is corrected.
    refine_label : int or None
        Which of its labels; None = all of them as one mask.
    file : Path or None
        Several objects with their prompts, instead of points.
    """

    exclude: tuple[Point, ...] = ()
    box: tuple[Point, Point] | None = None
    refine: Path | None = None
    refine_label: int | None = None
    file: Path | None = None

    @property
    def given(self) -> bool:
        """Whether there is anything at all."""
        return self != PromptOptions()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read."""
        return tuple(path for path in (self.refine, self.file) if path is not None)


@dataclass(frozen=True)
class SegmentJob:
    """What one call asks for; the same for every scan.

    Attributes
    ----------
    targets : Targets
        Where the results go.
    model : str
        A name or a file.
    keep : float, tuple of float or None
        Keep ratio, or one for each stage; None takes the model's own.
    points : tuple of (R, A, S)
        In mm; the structures under them are segmented. Empty: the whole volume.
    prompts : PromptOptions
        For a promptable model.
    structures : tuple of str
        Names of structures or groups to keep; empty = all.
    channels : tuple of (name, file)
        The files of one case that is given channel by channel.
    frame : int or None
        Which volume of a 4D file, from 0.
    series : str or None
        Which series of a DICOM folder, by its number.
    stride : int or None
        Voxels from window to window; None leaves it to the model's recipe.
    clean_up : bool
        In whole scans, remove stray parts of structures that the model's recipe calls single.
    air : bool
        Look at the whole scan, also where the model's recipe looks at the body alone.
    device, precision : str
    sharpen : str
        Where networks that sharpen do so: "borders", "everywhere" or "never".
    compiled : bool
        Run the network through torch.compile.
    threads : int or None
        CPU threads to compute with.
    surface_format : str
        "stl", "obj" or "ply".
    hash_names : bool
        Put codes in place of file names into reports.
    dicom_seg : bool
        Of a study tree: write the labels of DICOM series as DICOM segmentations.
    redo : bool
        Of a study tree: segment finished scans again.
    """

    targets: Targets
    model: str
    keep: float | tuple[float, ...] | None = None
    points: tuple[Point, ...] = ()
    prompts: PromptOptions = PromptOptions()
    structures: tuple[str, ...] = ()
    channels: tuple[tuple[str, Path], ...] = ()
    frame: int | None = None
    series: str | None = None
    stride: int | None = None
    clean_up: bool = True
    air: bool = False
    device: str = "auto"
    precision: str = "auto"
    sharpen: str = "borders"
    compiled: bool = False
    threads: int | None = None
    surface_format: str = "stl"
    hash_names: bool = False
    dicom_seg: bool = False
    redo: bool = False

    @property
    def probability(self) -> bool:
        """Whether class probabilities are wanted."""
        return self.targets.probability is not None

    @property
    def masks(self) -> bool:
        """Whether every structure is wanted by itself."""
        return self.targets.each is not None

    def asked(self, sha256: str) -> dict[str, Any]:
        """Return what a result depends on besides the scan, JSON-ready.

        Parameters
        ----------
        sha256 : str
            Checksum of the model file.
        """
        wanted = {
            "each": self.targets.each,
            "statistics": self.targets.statistics,
            self.surface_format: self.targets.surfaces,
        }
        extras = [kind for kind, target in wanted.items() if target is not None]
        return {
            **({"extras": extras} if extras else {}),
            **({} if self.clean_up else {"clean_up": False}),
            **({"air": True} if self.air else {}),
            **({} if self.sharpen == "borders" else {"sharpen": self.sharpen}),
            "sha256": sha256,
            "keep": list(self.keep) if isinstance(self.keep, tuple) else self.keep,
            "points": [list(point) for point in self.points],
            "structures": list(self.structures),
            "frame": self.frame,
            "stride": self.stride,
            "precision": self.precision,
        }


class PlannedCase(NamedTuple):
    """One scan and the files that its segmentation is written to (None: not wanted).

    Attributes
    ----------
    source : Path
        The scan's file, a file of its DICOM series, or a folder that holds the series.
    name : str
        How messages and the summary call it.
    labels, tokens, score, probability, report : Path or None
    each, surfaces : Path or None
        Folder and stem of the files with one structure each.
    asked : dict or None
        What was asked for; kept in the report, so that a later run knows what is finished.
    slices : tuple of Path
        The files of a DICOM series that was given file by file, or that several folders hold; empty for all
        else.
    """

    source: Path
    name: str
    labels: Path
    tokens: Path | None = None
    score: Path | None = None
    probability: Path | None = None
    report: Path | None = None
    each: Path | None = None
    surfaces: Path | None = None
    asked: dict[str, Any] | None = None
    slices: tuple[Path, ...] = ()

    @property
    def outputs(self) -> dict[str, Path]:
        """The wanted files by kind; those of single structures have names that the labels complete."""
        kinds = ("labels", "tokens", "score", "probability", "report")
        places = {kind: getattr(self, kind) for kind in kinds}
        return {kind: path for kind, path in places.items() if path is not None}


class BatchPlan(NamedTuple):
    """All cases of one call; `summary` is the one report file of a call with several inputs."""

    cases: tuple[PlannedCase, ...]
    summary: Path | None
