"""Export: labels on the source's grid, token and score maps, provenance and an ITK-SNAP table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine import stage_table
from napari_scd.viewer.layers import measure
from napari_scd.viewer.logic.prompt_file import prompts_of
from napari_scd.viewer.plugin import source_grid
from napari_scd.volume import LABELS_WRITABLE, Volume, atomic_path, stem_of, write_labels, write_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.volume import LabelTable


@dataclass(frozen=True, eq=False)
class Export:
    """What is exported: one frame's labels, the maps that belong to them and how they came about.

    Parameters
    ----------
    view
        The image they belong to.
    table
        Names and colours.
    labels : (z, y, x) unsigned integers
    tokens, scores
        Maps on the token grid in display coordinates, or None.
    report
        The last run (JSON values).
    history
        How the labels came about, entry by entry (JSON values).
    previewed
        Whether they hold a preview that was not accepted yet.
    objects
        What was segmented from prompts; where two overlap the first one wins.
    """

    view: SourceView
    table: LabelTable
    labels: np.ndarray
    tokens: Volume | None
    scores: Volume | None
    report: dict[str, Any]
    history: Sequence[dict[str, Any]] = ()
    previewed: bool = False
    objects: Sequence[ScanObject] = ()

    def write(self, path: str | Path, *, maps: bool = True) -> list[Path]:
        """Write everything beside each other, named after `path`; return the files.

        Raises
        ------
        InputError
            If something cannot be written; whole files only, none half-written.
        """
        path = Path(path)
        stem = stem_of(path)
        grid = self.grid()
        write_labels(path, Volume(self.labels, grid.affine), like=grid, table=self.table)
        files = [path]
        to_true = grid.affine @ np.linalg.inv(self.view.affine)
        if maps and self.tokens is not None:
            files.append(path.with_name(f"{stem}_tokens.nii.gz"))
            tokens = Volume(self.tokens.array, to_true @ self.tokens.affine)
            write_labels(files[-1], tokens, table=stage_table(int(self.report["n_stages"])))
        if maps and self.scores is not None:
            files.append(path.with_name(f"{stem}_score.nii.gz"))
            write_volume(files[-1], Volume(self.scores.array, to_true @ self.scores.affine))
        if self.objects:
            files.append(path.with_name(f"{stem}_prompts.json"))
            _write_text(files[-1], json.dumps(prompts_of(self.objects, grid), indent=1))
        files += [
            _write_text(path.with_name(f"{stem}.json"), json.dumps(self.provenance(files, grid), indent=2)),
            _write_text(path.with_name(f"{stem}_labels.txt"), self.table.to_itksnap()),
        ]
        return files

    def grid(self) -> Volume:
        """Return the grid the labels lie on: the source file's where there is one, else the layer's."""
        record = self.view.source
        if record is not None and tuple(record["shape"]) == self.labels.shape:
            return source_grid(record)
        return Volume(np.broadcast_to(np.zeros(1, np.uint8), self.labels.shape), self.view.affine)

    def provenance(self, files: list[Path], grid: Volume) -> dict[str, Any]:
        """Return how the labels came about and how much of each structure they hold."""
        found = measure(self.labels, self.table, grid.voxel_ml)
        structures = [
            {
                **entry,
                "voxels": found[entry["index"]].voxels,
                "volume_ml": round(found[entry["index"]].volume_ml, 4),
            }
            for entry in self.table.to_list()
        ]
        return {
            "structures": structures,
            "files": [file.name for file in files],
            "frame": self.view.frame_number if self.view.n_frames > 1 else None,
            "includes_preview": self.previewed,
            "history": list(self.history),
            "run": self.report,
        } | ({"objects": prompts_of(self.objects, grid, with_masks=False)} if self.objects else {})


def with_ending(path: str) -> str:
    """Return a path that ends as a label map we write, ``.nii.gz`` when it has no such ending."""
    return path if path.lower().endswith(LABELS_WRITABLE) else f"{path}.nii.gz"


def _write_text(path: Path, text: str) -> Path:
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text + "\n", encoding="utf-8")
    return path
