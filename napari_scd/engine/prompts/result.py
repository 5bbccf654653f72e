"""An answer as a segmentation: labels on the source's grid, tokens, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.engine.prompts.answer import INSIDE
from napari_scd.engine.prompts.tokens import stitch_tokens
from napari_scd.engine.report import PromptNotes, Report, Seconds, software_versions
from napari_scd.engine.segmentation import Segmentation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine.memory import Loaded, Model
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.prompts.answer import Answer
    from napari_scd.engine.prompts.look import Looker
    from napari_scd.engine.prompts.prompts import Prompts
    from napari_scd.engine.prompts.step import PromptStep
    from napari_scd.engine.request import Request
    from napari_scd.volume import Volume

EDGE_VOXELS = 10


class PromptCost(NamedTuple):
    """Seconds before the first stage, after it and in total; whether it ran to its end."""

    prefix_s: float
    rest_s: float
    total_s: float
    complete: bool


def segmentation_of(
    model: Model,
    loaded: Loaded,
    request: Request,
    prompts: Prompts,
    step: PromptStep,
    looker: Looker,
    cost: PromptCost,
) -> Segmentation:
    """Put the result together."""
    prepared, answer, config = loaded.prepared, step.answer, model.network.config
    inside = answer.shares >= INSIDE
    maps = stitch_tokens(
        step.pieces,
        config.patch,
        config.n_stages,
        looker.scan.space,
        np.asarray(prepared.oriented_affine),
    )
    probability = masks = None
    if request.probability:
        shares = (answer.shares / np.float32(255)).astype(np.float16)
        probability = _on_source(prepared, answer, shares[None])
    if request.masks:
        masks = _on_source(prepared, answer, inside[None])
    return Segmentation(
        labels=_on_source(prepared, answer, inside.view(np.uint8)),
        tokens=maps.tokens,
        scores=maps.scores,
        stage_scores=maps.stage_scores,
        probability=probability,
        complete=cost.complete,
        report=_report(model, loaded, prompts, step, looker, cost),
        region=prepared.source_region(answer.low, answer.high) if inside.size else (slice(0),) * 3,
        masks=masks,
    )


def notes_on(step: PromptStep, inside: NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[str, ...]:
    """Sentences about an answer that the user should see."""
    notes = []
    if not inside.any():
        notes.append("Nothing was found at the prompts.")
    if step.n_left_out:
        notes.append(
            f"The border was refined only partly ({step.n_left_out} more windows would be needed); "
            f"elsewhere it is as coarse as {step.coarse_mm:.1f} mm."
        )
    if _touches_edge(step.answer, inside, shape):
        notes.append("The structure reaches the edge of the scan and may continue outside.")
    return tuple(notes)


def _touches_edge(answer: Answer, inside: NDArray[np.bool_], shape: tuple[int, ...]) -> bool:
    """Whether more than a few voxels lie on a face of the scan."""
    for axis, (low, high, n) in enumerate(zip(answer.low, answer.high, shape, strict=True)):
        for at_edge, index in ((low == 0, 0), (high == n, -1)):
            if at_edge and inside.size and np.count_nonzero(inside.take(index, axis=axis)) >= EDGE_VOXELS:
                return True
    return False


def _on_source(scan: Prepared, answer: Answer, values: NDArray[np.generic]) -> Volume:
    """Place values of the answer's box into a zero volume and turn it to the source's axes."""
    whole = np.zeros((*values.shape[:-3], *scan.oriented_shape), values.dtype)
    z, y, x = (slice(a, b) for a, b in zip(answer.low, answer.high, strict=True))
    whole[..., z, y, x] = values
    return scan.source.with_array(scan.turn_back(whole))


def _report(
    model: Model,
    loaded: Loaded,
    prompts: Prompts,
    step: PromptStep,
    looker: Looker,
    cost: PromptCost,
) -> Report:
    network, source = model.network, loaded.prepared.source
    config, scan = network.config, looker.scan
    inside = step.answer.shares >= INSIDE
    n_voxels, n_windows = int(np.count_nonzero(inside)), sum(step.n_windows)
    macs, dense = network.macs(looker.keep), network.macs(1.0)
    z, y, x = scan.space.shape
    name = model.labels.name_of(1)
    return Report(
        model=model.name,
        sha256=model.sha256,
        source=source.source.name if source.source is not None else "",
        shape=source.spatial_shape,
        spacing_mm=source.spacing_mm,
        axes=model.recipe.axes,
        model_spacing_mm=(step.coarse_mm,) * 3 if step.coarse_mm else loaded.prepared.spacing_mm,
        roi=config.roi,
        patch=config.patch,
        stride=config.roi,
        keep=network.keep_per_stage(looker.keep),
        tokens=network.token_counts(looker.keep),
        n_windows=n_windows,
        n_windows_planned=n_windows + step.n_left_out + (not cost.complete),
        n_windows_blank=0,
        macs=n_windows * macs.total,
        encoder_macs_saved=1 - macs.encoder / dense.encoder if dense.encoder else 0.0,
        seconds=Seconds(cost.prefix_s, cost.rest_s, cost.total_s - cost.prefix_s - cost.rest_s, cost.total_s),
        device=looker.hardware.device.type,
        precision=looker.hardware.precision,
        blending="none",
        complete=cost.complete,
        voxels={"background": z * y * x - n_voxels, name: n_voxels},
        volumes_ml={name: round(n_voxels * source.voxel_ml, 4)},
        cache=scan.looks.counts,
        warnings=(*loaded.warnings, *notes_on(step, inside, scan.space.shape)),
        versions=software_versions(),
        prompts=PromptNotes(
            prompts=prompts.to_dict(with_mask=False),
            n_windows=step.n_windows,
            spacings_mm=tuple(round(piece.window.spacing_mm, 4) for piece in step.pieces),
            n_left_out=step.n_left_out,
            reach_mm=step.reach_mm,
        ),
    )
