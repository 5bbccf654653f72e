"""Scans to experiment with: a real head and a synthetic phantom."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

from napari_scd.errors import InputError
from napari_scd.volume.files import from_nibabel, read_label_table, read_labels, read_volume

if TYPE_CHECKING:
    from napari_scd.volume.labels import LabelTable
    from napari_scd.volume.volume import Volume

ICBM152_NAME = "ICBM152 T1"


def load_icbm152() -> Volume:
    """Return the ICBM152 2009a T1 template, skull-stripped, 1 mm, (z, y, x) float32.

    The template averages 152 adult heads; nilearn ships it, so nothing is downloaded.

    Raises
    ------
    InputError
        When nilearn is not installed.
    """
    try:
        from nilearn.datasets import load_mni152_template
    except ImportError as error:
        raise InputError(
            "The ICBM152 sample comes with nilearn, which is missing; run: python -m pip install nilearn."
        ) from error
    return from_nibabel(load_mni152_template(resolution=1), ICBM152_NAME)


def load_phantom() -> tuple[Volume, Volume, LabelTable]:
    """Return the phantom that ships with this package: an MR-like scan, its labels and their names.

    Raises
    ------
    InputError
        When the package was installed without its sample data.
    """
    try:
        folder = importlib.resources.files("napari_scd.sample_data")
    except ModuleNotFoundError as error:
        raise InputError("The sample data are not installed; install napari-scd again.") from error
    with importlib.resources.as_file(folder) as path:
        labels = path / "phantom_mr_labels.nii.gz"
        table = read_label_table(labels)
        assert table is not None
        return read_volume(path / "phantom_mr.nii.gz"), read_labels(labels), table
