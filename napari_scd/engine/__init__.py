"""Volume in, segmentation out; torch, never Qt or napari. What needs torch is imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.cancel import CancelToken
from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.engine.exit_stages import n_stages_of as n_stages_of
    from napari_scd.engine.exit_stages import stage_colour as stage_colour
    from napari_scd.engine.exit_stages import stage_table as stage_table
    from napari_scd.engine.hardware import Hardware as Hardware
    from napari_scd.engine.hardware import choose_hardware as choose_hardware
    from napari_scd.engine.merging import merge as merge
    from napari_scd.engine.plausible import guess_modality as guess_modality
    from napari_scd.engine.prompts import OtherGrid as OtherGrid
    from napari_scd.engine.prompts import OtherScan as OtherScan
    from napari_scd.engine.prompts import PreviousMask as PreviousMask
    from napari_scd.engine.prompts import Prompt as Prompt
    from napari_scd.engine.prompts import PromptedObject as PromptedObject
    from napari_scd.engine.prompts import PromptError as PromptError
    from napari_scd.engine.prompts import Prompts as Prompts
    from napari_scd.engine.prompts import TakesNoPrompts as TakesNoPrompts
    from napari_scd.engine.prompts import check_prompts as check_prompts
    from napari_scd.engine.prompts import objects_from_dict as objects_from_dict
    from napari_scd.engine.prompts import objects_to_dict as objects_to_dict
    from napari_scd.engine.prompts import read_objects as read_objects
    from napari_scd.engine.prompts import write_objects as write_objects
    from napari_scd.engine.report import PromptNotes as PromptNotes
    from napari_scd.engine.report import Report as Report
    from napari_scd.engine.report import Seconds as Seconds
    from napari_scd.engine.request import KEEP_RANGE as KEEP_RANGE
    from napari_scd.engine.request import Progress as Progress
    from napari_scd.engine.request import Request as Request
    from napari_scd.engine.segmentation import Click as Click
    from napari_scd.engine.segmentation import Plan as Plan
    from napari_scd.engine.segmentation import Segmentation as Segmentation
    from napari_scd.engine.session import Session as Session
    from napari_scd.engine.steps import steps_of as steps_of

_HOME_OF = {
    "Click": "segmentation",
    "Hardware": "hardware",
    "OtherGrid": "prompts",
    "OtherScan": "prompts",
    "Plan": "segmentation",
    "PreviousMask": "prompts",
    "Progress": "request",
    "Prompt": "prompts",
    "PromptError": "prompts",
    "PromptNotes": "report",
    "PromptedObject": "prompts",
    "Prompts": "prompts",
    "Report": "report",
    "KEEP_RANGE": "request",
    "Request": "request",
    "Seconds": "report",
    "Segmentation": "segmentation",
    "Session": "session",
    "TakesNoPrompts": "prompts",
    "check_prompts": "prompts",
    "choose_hardware": "hardware",
    "guess_modality": "plausible",
    "merge": "merging",
    "n_stages_of": "exit_stages",
    "objects_from_dict": "prompts",
    "objects_to_dict": "prompts",
    "read_objects": "prompts",
    "stage_colour": "exit_stages",
    "stage_table": "exit_stages",
    "steps_of": "steps",
    "write_objects": "prompts",
}

__all__ = ["CancelToken", *_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
