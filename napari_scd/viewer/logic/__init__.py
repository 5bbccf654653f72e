"""What the dock does and knows, without Qt: it can be tested without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.logic.apart import apart_ml as apart_ml
    from napari_scd.viewer.logic.backend import Agreement as Agreement
    from napari_scd.viewer.logic.backend import Backend as Backend
    from napari_scd.viewer.logic.backend import ReadyModel as ReadyModel
    from napari_scd.viewer.logic.catalogue import Offer as Offer
    from napari_scd.viewer.logic.catalogue import offered_models as offered_models
    from napari_scd.viewer.logic.choices import SHOW_MODES as SHOW_MODES
    from napari_scd.viewer.logic.choices import SHOW_TITLES as SHOW_TITLES
    from napari_scd.viewer.logic.choices import Choices as Choices
    from napari_scd.viewer.logic.choices import resolve as resolve
    from napari_scd.viewer.logic.controller import Controller as Controller
    from napari_scd.viewer.logic.ct_windows import CT_WINDOWS as CT_WINDOWS
    from napari_scd.viewer.logic.ct_windows import window_with as window_with
    from napari_scd.viewer.logic.export import with_ending as with_ending
    from napari_scd.viewer.logic.jobs import DockJob as DockJob
    from napari_scd.viewer.logic.jobs import JobQueue as JobQueue
    from napari_scd.viewer.logic.keep import KeepAnswers as KeepAnswers
    from napari_scd.viewer.logic.keep_estimate import Cost as Cost
    from napari_scd.viewer.logic.keep_estimate import saving_curve as saving_curve
    from napari_scd.viewer.logic.measure_table import table_of as table_of
    from napari_scd.viewer.logic.measuring import Measurements as Measurements
    from napari_scd.viewer.logic.object_edits import EDIT_WORDS as EDIT_WORDS
    from napari_scd.viewer.logic.object_list import ObjectRow as ObjectRow
    from napari_scd.viewer.logic.prompt_sentences import DRAW_BOX as DRAW_BOX
    from napari_scd.viewer.logic.refining import RefineSource as RefineSource
    from napari_scd.viewer.logic.result import Result as Result
    from napari_scd.viewer.logic.trust import Trust as Trust
    from napari_scd.viewer.logic.trust import trust_in as trust_in
    from napari_scd.viewer.logic.wording import duration as duration
    from napari_scd.viewer.logic.wording import millilitres as millilitres

_HOME_OF = {
    "Agreement": "backend",
    "Backend": "backend",
    "CT_WINDOWS": "ct_windows",
    "Choices": "choices",
    "Controller": "controller",
    "Cost": "keep_estimate",
    "DRAW_BOX": "prompt_sentences",
    "DockJob": "jobs",
    "EDIT_WORDS": "object_edits",
    "JobQueue": "jobs",
    "KeepAnswers": "keep",
    "Measurements": "measuring",
    "ObjectRow": "object_list",
    "Offer": "catalogue",
    "ReadyModel": "backend",
    "RefineSource": "refining",
    "Result": "result",
    "SHOW_MODES": "choices",
    "SHOW_TITLES": "choices",
    "Trust": "trust",
    "apart_ml": "apart",
    "duration": "wording",
    "millilitres": "wording",
    "offered_models": "catalogue",
    "resolve": "choices",
    "saving_curve": "keep_estimate",
    "window_with": "ct_windows",
    "table_of": "measure_table",
    "trust_in": "trust",
    "with_ending": "export",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
