"""A seeded synthetic scan with its truth, for tests, samples and benchmarks.

``python -m napari_scd.volume.phantom FOLDER`` writes the two files of ``sample_data``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from napari_scd.errors import InputError
from napari_scd.volume.files import write_labels, write_volume
from napari_scd.volume.labels import LabelTable
from napari_scd.volume.volume import Volume


class _Structure(NamedTuple):
    """One ellipsoid: places and radii as fractions of half the grid, (S, P, L); intensities by modality."""

    name: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    turn_deg: float
    mr: float
    ct: float


# In (S, P, L): the liver lies on the patient's right, at negative L.
_STRUCTURES = (
    _Structure("liver", (0.18, -0.05, -0.38), (0.42, 0.42, 0.30), 18.0, 118.0, 105.0),
    _Structure("spleen", (0.25, 0.22, 0.52), (0.28, 0.26, 0.15), -20.0, 84.0, 125.0),
    _Structure("left kidney", (-0.42, 0.34, 0.36), (0.30, 0.15, 0.15), 12.0, 150.0, 170.0),
    _Structure("right kidney", (-0.48, 0.34, -0.36), (0.30, 0.15, 0.15), -12.0, 150.0, 170.0),
    _Structure("stomach", (0.30, -0.35, 0.26), (0.26, 0.18, 0.20), 25.0, 40.0, 25.0),
    _Structure("spine", (0.0, 0.56, 0.0), (1.40, 0.16, 0.16), 0.0, 175.0, 320.0),
    _Structure("aorta", (0.0, 0.24, 0.10), (1.40, 0.075, 0.075), 0.0, 18.0, 215.0),
    _Structure("gallbladder", (-0.12, -0.42, -0.30), (0.16, 0.12, 0.11), 10.0, 205.0, 8.0),
)
_BODY_RADII = (2.2, 0.78, 0.88)
_FAT_MM = 5.0
# air, fat, soft tissue, spread of the texture, noise
_TISSUE = {"MR": (0.0, 190.0, 66.0, 4.0, 5.0), "CT": (-1000.0, -100.0, 45.0, 6.0, 14.0)}


def make_phantom(
    shape: tuple[int, int, int] = (64, 64, 64),
    spacing_mm: tuple[float, float, float] = (5.0, 4.0, 4.0),
    *,
    seed: int = 0,
    modality: str = "MR",
    n_structures: int = 6,
) -> tuple[Volume, Volume, LabelTable]:
    """Draw a trunk with organs: smooth outline, fat, texture, bias field, partial volume, noise and air.

    The same arguments give the same scan. Places and sizes of the organs vary a little with the seed; left
    and right are not symmetric, so a flip shows.

    Parameters
    ----------
    shape
        (z, y, x) in voxels.
    spacing_mm
        Voxel size along (z, y, x).
    seed
        Any whole number from 0.
    modality
        "MR": int16 with a coil's bias field and Rician noise; "CT": int16 Hounsfield units.
    n_structures
        How many organs, 1 to 8.

    Returns
    -------
    The scan, the labels (uint8) on the same grid, and the table of their names. Axes run to S, P and L and
    the grid's centre is the origin.

    Raises
    ------
    InputError
        When the modality or the number of organs is not one of those above.
    """
    if modality not in _TISSUE:
        raise InputError(f"The phantom's modality is {modality!r}; give 'MR' or 'CT'.")
    if not 1 <= n_structures <= len(_STRUCTURES):
        raise InputError(f"A phantom with {n_structures} organs was requested; give 1 to {len(_STRUCTURES)}.")
    rng = np.random.default_rng(seed)
    structures = [_varied(structure, rng) for structure in _STRUCTURES[:n_structures]]
    air, fat, tissue, texture, noise = _TISSUE[modality]

    grid = _wobbled(_unit_grid(shape), rng)
    depth_mm = (
        (1.0 - _radius(grid, (0.0, 0.0, 0.0), _BODY_RADII))
        * 0.4
        * min(n * mm for n, mm in zip(shape[1:], spacing_mm[1:], strict=True))
    )
    image = np.where(depth_mm > _FAT_MM, tissue, np.where(depth_mm > 0, fat, air)).astype(np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    for index, structure in enumerate(structures, start=1):
        inside = (_radius(grid, structure.centre, structure.radii, structure.turn_deg) < 1) & (
            depth_mm > _FAT_MM
        )
        inside &= labels == 0
        labels[inside] = index
        image[inside] = structure.mr if modality == "MR" else structure.ct

    body = image != air
    image[body] += texture * _smooth_noise(shape, rng, 1.0)[body]
    image = ndimage.gaussian_filter(image, 0.6)
    image = _scanned_mr(image, noise, rng) if modality == "MR" else image + noise * _normal(shape, rng)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * mm for n, mm in zip(shape, spacing_mm, strict=True)]
    table = LabelTable.from_names([structure.name for structure in structures])
    return Volume(np.rint(image).astype(np.int16), affine), Volume(labels, affine), table


def write_samples(folder: str | Path) -> tuple[Path, Path]:
    """Write the phantom that ships with the package, scan and labels, and return the two paths."""
    image, labels, table = make_phantom(
        shape=(48, 64, 72), spacing_mm=(5.0, 4.0, 4.0), seed=7, n_structures=8
    )
    image_path, labels_path = Path(folder, "phantom_mr.nii.gz"), Path(folder, "phantom_mr_labels.nii.gz")
    write_volume(image_path, image)
    write_labels(labels_path, labels, table=table)
    return image_path, labels_path


def _varied(structure: _Structure, rng: np.random.Generator) -> _Structure:
    centre = np.asarray(structure.centre) + rng.uniform(-0.03, 0.03, 3)
    radii = np.asarray(structure.radii) * rng.uniform(0.9, 1.1, 3)
    return structure._replace(centre=tuple(centre), radii=tuple(radii))


def _unit_grid(shape: tuple[int, int, int]) -> np.ndarray:
    """Return (3, z, y, x) float32: every voxel's place, -1 to 1 from border to border."""
    lines = [(np.arange(n, dtype=np.float32) + 0.5) / n * 2 - 1 for n in shape]
    return np.stack(np.meshgrid(*lines, indexing="ij"))


def _wobbled(grid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bend a grid (3, z, y, x) smoothly, so that no organ is a perfect ellipsoid."""
    shape = grid.shape[1:]
    return grid + 0.035 * np.stack([_smooth_noise(shape, rng, min(shape) / 8) for _ in range(3)])


def _radius(
    grid: np.ndarray, centre: tuple[float, ...], radii: tuple[float, ...], turn_deg: float = 0.0
) -> np.ndarray:
    """Return (z, y, x): distance from an ellipsoid turned about the S axis, 0 in its centre, 1 on it."""
    z, y, x = (axis - c for axis, c in zip(grid, centre, strict=True))
    cos, sin = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    turned = (z, cos * y - sin * x, sin * y + cos * x)
    return np.asarray(np.sqrt(sum((axis / r) ** 2 for axis, r in zip(turned, radii, strict=True))))


def _scanned_mr(image: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Give an image a coil's bias field and Rician noise (the size of a complex signal with normal noise)."""
    bias = np.exp(0.10 * _smooth_noise(image.shape, rng, min(image.shape) / 4))
    real = image * bias + noise * _normal(image.shape, rng)
    return np.hypot(real, noise * _normal(image.shape, rng))


def _smooth_noise(shape: tuple[int, ...], rng: np.random.Generator, sigma_vox: float) -> np.ndarray:
    """Return smooth random numbers with mean 0 and standard deviation 1, float32."""
    field = ndimage.gaussian_filter(_normal(shape, rng), sigma_vox, mode="wrap")
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)


def _normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m napari_scd.volume.phantom FOLDER")
    for written in write_samples(sys.argv[1]):
        print(written)
