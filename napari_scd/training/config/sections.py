"""The sections of a training file, one frozen class each."""

from __future__ import annotations

from dataclasses import dataclass

MOST_WEIGHT = 40.0
IGNORED = 255  # label of voxels that are neither a structure nor background


@dataclass(frozen=True)
class SetConfig:
    """One of several data sets that a promptable model learns from; every set has labels of its own.

    Parameters
    ----------
    name : str
        For messages and for the table of the validation.
    labels, images : str or None
        Two folders with equal file names. Without `images` they are drawn from the label maps.
    training, validation, test : tuple of str
        Case names (file names without ending); empty `training` = every case not named elsewhere. Cases for
        the test are never read.
    holdout : int
        When `validation` is empty: every k-th case is held back until this many are.
    ignore : tuple of int
        Values of voxels whose structure is not known: they do not count in the loss.
    withheld : tuple of int
        Values of structures that are never a target, whole or in part: background that may be seen.
    share : float
        How often the set is drawn, relative to the others.
    synthesise : bool
        Whether a share of the images (see `PromptConfig`) is drawn from the label maps.
    extra_cerebral : tuple of int
        Values that a skull-stripped head does not have; a share of the drawn images is stripped of them.
    """

    name: str
    labels: str
    images: str | None = None
    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    holdout: int = 0
    ignore: tuple[int, ...] = ()
    withheld: tuple[int, ...] = ()
    share: float = 1.0
    synthesise: bool = True
    extra_cerebral: tuple[int, ...] = ()


@dataclass(frozen=True)
class DataConfig:
    """Where the cases are: a Decathlon ``dataset.json``, or two folders with equal file names.

    Parameters
    ----------
    dataset : str or None
        Path of a Decathlon-style ``dataset.json``.
    images, labels : str or None
        Two folders instead.
    training, validation, test : tuple of str
        Case names (file names without ending); empty `training` = every case not named elsewhere.
    holdout : int
        When `validation` is empty: every k-th case is held back until this many are.
    maps : str or None
        A further folder of label maps without images; `synthesis` draws images from them while `images` and
        `labels` are used as they are. Without it, `synthesis` draws from `labels`.
    background : tuple of int
        Label values that count as background.
    ignore : tuple of int
        Label values whose voxels count as nothing at all: no loss and no figure looks at them.
    all_cases : bool
        Train on the validation cases too (never on `test`), without validation: for the last part of a
        training whose schedule is settled.
    memory_gb : float or None
        Cases beyond this are kept on disk, in the run's folder, and read window by window; None = half of the
        memory that is free.
    sets : tuple of SetConfig
        Several data sets instead, for a promptable model (with `PromptConfig`).
    """

    dataset: str | None = None
    images: str | None = None
    labels: str | None = None
    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    holdout: int = 0
    maps: str | None = None
    background: tuple[int, ...] = ()
    ignore: tuple[int, ...] = ()
    all_cases: bool = False
    memory_gb: float | None = None
    sets: tuple[SetConfig, ...] = ()


@dataclass(frozen=True)
class KeepConfig:
    """How the keep ratio is drawn at each step (elastic training).

    Parameters
    ----------
    dense_share : float
        Share of steps that keep every token.
    low, high : float
        Otherwise the ratio is log-uniform in this range.
    per_stage_share : float
        Share of steps that draw each stage by itself.
    """

    dense_share: float = 0.2
    low: float = 0.1
    high: float = 1.0
    per_stage_share: float = 0.15


@dataclass(frozen=True)
class LossConfig:
    """The terms of the training loss.

    Parameters
    ----------
    dice, cross_entropy : float
        Weights of MONAI's Dice loss and of the cross-entropy (binary for regions that overlap).
    class_weights : tuple of float
        Cross-entropy weight of each output channel, for voxels and tokens (Dice counts every structure
        alike already); empty = by `balance`.
    balance : float
        Weight of a label = (share of background / share of the label) to this power, in the voxels of the
        training cases, at most `MOST_WEIGHT`; 0 = all 1. Without it small structures are learned late or
        never. Regions that overlap are not balanced.
    squared, smooth_nr, smooth_dr : bool, float, float
        As MONAI's ``DiceLoss`` takes them (`squared` = ``squared_pred``).
    background : bool
        Whether background has a Dice term of its own.
    batch : bool
        Overlap is summed over the whole batch (over all processes) before the ratio is taken, which suits
        small batches with rare structures; false takes the ratio of each window and spares processes the
        exchange of logits.
    token : float
        Weight of a cross-entropy on the completed tokens against the share of each label in their patch;
        its linear head is used in training only. It makes tokens carry meaning early.
    kept_share : float
        Weight of DynamicViT's ratio loss (pruning "gumbel" only).
    deep : float
        Weight of a cross-entropy on the decoder's coarser levels against the share of each label in their
        voxels (deep supervision); their linear heads are used in training only.
    thin : int
        The terms on voxels look at every `thin`-th voxel along each axis, from a random start: with many
        structures the loss costs more than the network otherwise.
    border : float
        Promptable models: how much more a voxel at the target's border counts in the cross-entropy.
    coarse, steer : float
        Promptable models whose decoder is fine in some blocks only: weights of the coarse answer's own Dice
        and cross-entropy, and of a cross-entropy that teaches the stages which tokens hold the border.
    """

    dice: float = 1.0
    cross_entropy: float = 1.0
    class_weights: tuple[float, ...] = ()
    balance: float = 0.5
    squared: bool = False
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5
    background: bool = False
    batch: bool = True
    token: float = 0.3
    kept_share: float = 2.0
    deep: float = 0.0
    thin: int = 1
    border: float = 0.0
    coarse: float = 0.3
    steer: float = 0.1


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


@dataclass(frozen=True)
class PromptConfig:
    """What a promptable model is asked for in training: targets, windows and the simulated user.

    Parameters
    ----------
    union_share, piece_share, supervoxel_share, shape_share : float
        Share of samples whose target is a union of neighbouring labels, a piece of a label, a region of
        similar intensity, or a random shape painted into the image; the others are labels.
    synthesised_share : float
        Share of images drawn from the label map, in sets that allow it.
    fill : (low, high)
        Share of the window's edge that the target takes, log-uniform.
    field_share, field_mm : float and (low, high)
        Share of windows that see a fixed field instead, as a first click does; its edge.
    border_share, border_spacing : float and (low, high)
        Share of fine windows along the target's border, where it leaves the window; their spacing relative
        to the scan's finest.
    invert_share, floor_share, thick_share : float
        Share of images that are inverted; whose darkest voxels sink far below the rest (air beside soft
        tissue); that have thick slices.
    rounds : tuple of float
        How often 0, 1, 2, ... corrections follow the first prompts, relative to each other.
    sharpness : (low, high)
        First clicks fall at a depth inside the target to this power.
    stray_share : float
        Share of first clicks that miss by a few voxels.
    previous_share, box_share, scribble_share : float
        Share of samples that start from a damaged mask of the target, from a box, from a stroke; the others
        start from a click.
    validate_clicks : tuple of int
        Numbers of clicks after which Dice is measured.
    validate_targets : int
        Targets of each validation case that are measured.
    """

    union_share: float = 0.1
    piece_share: float = 0.05
    supervoxel_share: float = 0.15
    shape_share: float = 0.1
    synthesised_share: float = 0.25
    fill: tuple[float, float] = (0.15, 0.9)
    field_share: float = 0.2
    field_mm: tuple[float, float] = (80.0, 160.0)
    border_share: float = 0.2
    border_spacing: tuple[float, float] = (0.8, 2.5)
    invert_share: float = 0.15
    floor_share: float = 0.15
    thick_share: float = 0.1
    rounds: tuple[float, ...] = (0.35, 0.25, 0.2, 0.12, 0.08)
    sharpness: tuple[float, float] = (1.0, 8.0)
    stray_share: float = 0.05
    previous_share: float = 0.2
    box_share: float = 0.1
    scribble_share: float = 0.08
    validate_clicks: tuple[int, ...] = (1, 3, 5)
    validate_targets: int = 6
