"""Which file goes where: one input and its output files, or many inputs and a folder for each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh")


class Case(NamedTuple):
    """One input file and the files its segmentation is written to (None: not wanted)."""

    source: Path
    labels: Path
    tokens: Path | None
    score: Path | None
    probability: Path | None
    report: Path | None

    @property
    def outputs(self) -> dict[str, Path]:
        """The wanted files by kind."""
        return {kind: path for kind, path in self._asdict().items() if kind != "source" and path is not None}


class Batch(NamedTuple):
    """All cases of one call; `summary` is the one report file of a call with several inputs."""

    cases: tuple[Case, ...]
    summary: Path | None


@dataclass(frozen=True)
class Targets:
    """What ``-o``, ``--tokens``, ``--score``, ``--probability`` and ``--report`` were given."""

    labels: Path
    tokens: Path | None = None
    score: Path | None = None
    probability: Path | None = None
    report: Path | None = None


def plan_batch(sources: list[Path], targets: Targets) -> Batch:
    """Give every input its output files, before anything is read or computed.

    One input is written to the file named (or, under its own name, into the folder named); several inputs
    keep their names inside the folders named. The report of several inputs may also be one ``.json`` file.

    Raises
    ------
    InputError
        When a file is named where a folder is needed, two inputs would be written to one file, an output
        would overwrite an input, or a suffix is not one we write.
    """
    many = len(sources) > 1
    summary = targets.report if many and _is_file(targets.report, (".json",)) else None
    cases = tuple(
        Case(
            source,
            _image(source, targets.labels, "-o", many),
            targets.tokens and _image(source, targets.tokens, "--tokens", many),
            targets.score and _image(source, targets.score, "--score", many),
            targets.probability and _image(source, targets.probability, "--probability", many),
            None if summary else targets.report and _report(source, targets.report, many),
        )
        for source in sources
    )
    written = [path for case in cases for path in case.outputs.values()] + ([summary] if summary else [])
    _check_collisions(written, sources)
    for path in written:
        _check_folder(path)
    return Batch(cases, summary)


def stem_of(path: Path) -> str:
    """File name without its image suffix, the double ``.nii.gz`` included."""
    for suffix in (*IMAGE_SUFFIXES, ".hdr", ".img"):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def _image(source: Path, target: Path, option: str, many: bool) -> Path:
    if _is_file(target, IMAGE_SUFFIXES):
        if many:
            raise InputError(
                f"{option} names the file '{target}' but there are several inputs: name a folder instead."
            )
        return target
    if target.suffix and not target.is_dir():
        raise InputError(
            f"{option} '{target}' ends in '{target.suffix}', which is not written here: "
            f"use {', '.join(IMAGE_SUFFIXES)} or name a folder."
        )
    kept = source.name.lower().endswith(IMAGE_SUFFIXES)
    return target / (source.name if kept else f"{stem_of(source)}.nii.gz")


def _report(source: Path, target: Path, many: bool) -> Path:
    if not many and _is_file(target, (".json",)):
        return target
    if target.suffix and not target.is_dir():
        raise InputError(f"--report '{target}' ends in '{target.suffix}': use .json or name a folder.")
    return target / f"{stem_of(source)}.json"


def _is_file(path: Path | None, suffixes: tuple[str, ...]) -> bool:
    return path is not None and path.name.lower().endswith(suffixes) and not path.is_dir()


def _check_collisions(written: list[Path], sources: list[Path]) -> None:
    read = {source.resolve() for source in sources}
    seen: set[Path] = set()
    for path in written:
        place = path.resolve()
        if place in read:
            raise InputError(f"The output '{path}' would overwrite an input: choose another place.")
        if place in seen:
            raise InputError(
                f"Two results would be written to '{path}': give inputs of different names, "
                "and each kind of output its own place."
            )
        seen.add(place)


def _check_folder(path: Path) -> None:
    """Refuse early what cannot be written to; the folder itself is made when the first result is ready."""
    if path.is_dir():
        raise InputError(f"The output '{path}' is a folder: name a file in it.")
    for parent in path.parents:
        if parent.is_dir():
            return
        if parent.exists():
            raise InputError(f"'{parent}' is a file, so '{path}' cannot lie below it: choose a folder.")
