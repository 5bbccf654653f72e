"""Statistics and surfaces of what was segmented, as files."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from napari_scd.batch.source_names import code_of
from napari_scd.batch.staging import staged
from napari_scd.volume import (
    StructureStatistics,
    measure_structures,
    statistics_csv,
    surface_of,
    write_surface,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_scd.volume import LabelTable, Volume


def statistics_of(labels: Volume, table: LabelTable, scan: Volume) -> list[dict[str, Any]]:
    """Measure the structures of one case, JSON-ready, for its report."""
    return [asdict(row) for row in measure_structures(labels, table, scan)]


def write_statistics(
    path: Path, cases: Mapping[str, Sequence[Mapping[str, Any]]], *, hash_names: bool = False
) -> None:
    """Write the statistics of several cases as one CSV file, a line for each structure.

    Parameters
    ----------
    path : Path
    cases : mapping
        Name of a case -> what `statistics_of` returned.
    hash_names : bool
        Put a code in place of each name.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    known = {field.name for field in fields(StructureStatistics)}
    rows = [
        (
            code_of(name) if hash_names else name,
            [StructureStatistics(**{key: row[key] for key in known & row.keys()}) for row in measured],
        )
        for name, measured in cases.items()
    ]
    with staged() as stage:
        stage(path).write_text(statistics_csv(rows), encoding="utf-8", errors="backslashreplace")


def write_surfaces(
    files: Mapping[int, Path], labels: Volume, table: LabelTable, stage: Callable[[Path], Path]
) -> Iterator[tuple[str, Path]]:
    """Write the surface of every structure that was found; yields names and files.

    Parameters
    ----------
    files : mapping
        Label number -> file; its ending chooses the format.
    labels : Volume
    table : LabelTable
    stage : callable
        Of `staged`.
    """
    for label in table.labels:
        if (labels.array == label.index).any():
            write_surface(stage(files[label.index]), surface_of(labels, label.index))
            yield label.name, files[label.index]
