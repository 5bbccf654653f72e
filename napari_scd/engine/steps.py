"""The functions in which a run spends its time, by step, for benchmarks that time them from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_scd.engine.blend import Canvas
from napari_scd.engine.predict import Predictor
from napari_scd.engine.session import Session
from napari_scd.engine.sharp_canvas import SharpCanvas
from napari_scd.engine.sink import LabelSink
from napari_scd.volume import resample

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.model import ScdNetwork

    Function = Callable[..., object]

PREPARING, RESAMPLING = "checks and intensities", "resampling"
IMAGE, STEM, PREFIX = "image branch", "stem", "blocks before the first stage"
REST, ASSEMBLY, DECODER = "blocks after it", "token assembly", "decoder"
WINDOWS, BLENDING, LABELS = "around the network", "blending", "labels"
BACK = "way back to the scan's grid"


def steps_of(network: ScdNetwork) -> dict[str, tuple[Function, ...]]:
    """Functions of each step, in the order of the work.

    Some are called by those of another step: time inside them belongs to the inner one.
    """
    decoder: Any = type(network.decoder)
    encoder = type(network.encoder)
    assembly = () if network.completion is None else (type(network.completion).forward,)
    return {
        PREPARING: (Session.set_volume,),
        RESAMPLING: (resample,),
        IMAGE: (decoder.encode_image,),
        STEM: (type(network.encoder.patch_embed).forward,),
        PREFIX: (encoder.prefix,),
        REST: (encoder.rest,),
        ASSEMBLY: assembly,
        DECODER: (decoder.forward, *((decoder.sharpen,) if network.config.decoder_spec.sharpens else ())),
        WINDOWS: (Predictor.run,),
        BLENDING: (Canvas.add, Canvas.take, SharpCanvas.add, SharpCanvas.take),
        LABELS: (LabelSink.write, LabelSink.clean_up),
        BACK: (LabelSink.labels,),
    }
