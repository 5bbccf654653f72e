"""How training images are deformed, changed in intensity, and drawn from label maps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WarpRange:
    """How far a window may be bent; every value is the largest change either way.

    Parameters
    ----------
    rotate_deg : float
        Rotation about each axis.
    scale : float
        Relative scaling of each axis (0.15 = 0.85 to 1.15).
    shear : float
        Off-diagonal entries of the affine matrix.
    bend_vox : float
        Standard deviation of the smooth displacement field, in voxels.
    bend_every_vox : float
        Spacing of that field's control points, in voxels.
    flip_axes, flip_share : tuple of int, float
        Array axes that are mirrored, and how often each is.
    swap_sides : bool
        Whether a mirrored window's left and right structures change names.
    turn_axes, turn_share : tuple of int, float
        Two array axes in whose plane windows are turned by 90, 180 or 270 degrees, and how often.
    shift_vox : float
        Random shift of the window's centre.
    reflect_share : float
        Share of windows that see mirrored anatomy instead of padding outside the case.
    """

    rotate_deg: float = 15.0
    scale: float = 0.15
    shear: float = 0.05
    bend_vox: float = 1.5
    bend_every_vox: float = 12.0
    flip_axes: tuple[int, ...] = ()
    flip_share: float = 0.5
    swap_sides: bool = True
    turn_axes: tuple[int, ...] = ()
    turn_share: float = 0.0
    shift_vox: float = 0.0
    reflect_share: float = 0.0


STILL = WarpRange(rotate_deg=0, scale=0, shear=0, bend_vox=0)


@dataclass(frozen=True)
class LookRange:
    """How far the intensities of a normalised window may be changed, and how often.

    Parameters
    ----------
    bias, bias_share : float
        Largest coefficient of a smooth multiplicative field; share of the windows that get one.
    contrast, contrast_share : (low, high) and float
        Range of a gamma curve that keeps mean and standard deviation.
    scale, scale_share : float
        Relative change of all intensities.
    shift, shift_share : float
        Amount added to all intensities.
    blur_vox, blur_share : (low, high) and float
        Standard deviation of a Gaussian blur, per axis.
    noise, noise_share : float
        Largest standard deviation of Gaussian noise.
    structure_gamma, structure_gamma_share : (low, high) and float
        Range of a gamma curve that each structure gets for itself, with soft edges, as organs differ between
        phases of contrast; share of the windows where structures do.
    """

    bias: float = 0.15
    bias_share: float = 0.2
    contrast: tuple[float, float] = (0.7, 1.5)
    contrast_share: float = 0.3
    scale: float = 0.15
    scale_share: float = 0.3
    shift: float = 0.1
    shift_share: float = 0.3
    blur_vox: tuple[float, float] = (0.3, 0.8)
    blur_share: float = 0.15
    noise: float = 0.1
    noise_share: float = 0.2
    structure_gamma: tuple[float, float] = (0.7, 1.4)
    structure_gamma_share: float = 0.0


@dataclass(frozen=True)
class SynthesisConfig:
    """How images are drawn from label maps (SynthSeg).

    Intensities lie in [0, 1]; lengths are in voxels of the recipe's spacing.

    Parameters
    ----------
    share : float
        Share of the windows whose image is drawn. 1 = all of them, and the training data are label maps
        alone; below, the others come from `images` and `labels` as they are, which validation uses too.
    outside, rim : tuple of int
        Values of the label maps that skull-stripping always takes away, and those it sometimes does.
    tissues : tuple of tuple of int
        Values that belong to one tissue, the tissues from dark to bright on a T1-weighted scan.
    strip_share, tight_share : float
        Share of images without `outside`; share of those without `rim` too.
    empty_share : float
        Share of the other images whose unlabelled voxels are exactly 0.
    grouped_share, ordered_share : float
        Share of images where a tissue has one intensity, give or take `jitter`, instead of one for each
        value; share of those whose tissues keep their order from dark to bright.
    jitter : float
        Standard deviation of a structure's intensity around its tissue's.
    spread : (low, high)
        Range of the standard deviation within a structure.
    bias, bias_share : float
        Largest coefficient of the logarithm of a smooth field; share of images that have one.
    blur_vox : (low, high)
        Standard deviation of a Gaussian blur, per axis.
    thick_vox, thick_share : (low, high) and float
        Slice thickness along one axis, and the share of images that have thick slices.
    gamma : (low, high)
        Exponent of a curve over the image's range.
    noise, noise_share : float
        Largest standard deviation of noise after all that; share of images that have it.
    """

    share: float = 1.0
    outside: tuple[int, ...] = ()
    rim: tuple[int, ...] = ()
    tissues: tuple[tuple[int, ...], ...] = ()
    strip_share: float = 0.5
    tight_share: float = 0.3
    empty_share: float = 0.5
    grouped_share: float = 0.7
    ordered_share: float = 0.5
    jitter: float = 0.05
    spread: tuple[float, float] = (0.0, 0.1)
    bias: float = 0.4
    bias_share: float = 0.7
    blur_vox: tuple[float, float] = (0.2, 0.8)
    thick_vox: tuple[int, int] = (2, 6)
    thick_share: float = 0.25
    gamma: tuple[float, float] = (0.6, 1.6)
    noise: float = 0.06
    noise_share: float = 0.5
