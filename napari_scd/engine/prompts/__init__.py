"""What a user points at, and how a promptable network answers; torch is imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.engine.prompts.errors import BoxOutside as BoxOutside
    from napari_scd.engine.prompts.errors import Contradiction as Contradiction
    from napari_scd.engine.prompts.errors import EmptyPrevious as EmptyPrevious
    from napari_scd.engine.prompts.errors import EmptyStroke as EmptyStroke
    from napari_scd.engine.prompts.errors import FlatBox as FlatBox
    from napari_scd.engine.prompts.errors import NoPrompts as NoPrompts
    from napari_scd.engine.prompts.errors import OnePlane as OnePlane
    from napari_scd.engine.prompts.errors import OneValue as OneValue
    from napari_scd.engine.prompts.errors import OnlyExcluded as OnlyExcluded
    from napari_scd.engine.prompts.errors import OtherGrid as OtherGrid
    from napari_scd.engine.prompts.errors import OtherScan as OtherScan
    from napari_scd.engine.prompts.errors import PointOutside as PointOutside
    from napari_scd.engine.prompts.errors import PromptError as PromptError
    from napari_scd.engine.prompts.errors import TakesNoPrompts as TakesNoPrompts
    from napari_scd.engine.prompts.objects import PromptedObject as PromptedObject
    from napari_scd.engine.prompts.objects import objects_from_dict as objects_from_dict
    from napari_scd.engine.prompts.objects import objects_to_dict as objects_to_dict
    from napari_scd.engine.prompts.objects import read_objects as read_objects
    from napari_scd.engine.prompts.objects import write_objects as write_objects
    from napari_scd.engine.prompts.previous import PreviousMask as PreviousMask
    from napari_scd.engine.prompts.prompts import Prompt as Prompt
    from napari_scd.engine.prompts.prompts import Prompts as Prompts
    from napari_scd.engine.prompts.prompts import check_prompts as check_prompts
    from napari_scd.engine.prompts.run import PromptMemory as PromptMemory
    from napari_scd.engine.prompts.run import PromptRun as PromptRun

_HOME_OF = {
    "BoxOutside": "errors",
    "Contradiction": "errors",
    "EmptyPrevious": "errors",
    "EmptyStroke": "errors",
    "FlatBox": "errors",
    "NoPrompts": "errors",
    "OnePlane": "errors",
    "OneValue": "errors",
    "OnlyExcluded": "errors",
    "OtherGrid": "errors",
    "OtherScan": "errors",
    "PointOutside": "errors",
    "PreviousMask": "previous",
    "Prompt": "prompts",
    "PromptError": "errors",
    "PromptMemory": "run",
    "PromptRun": "run",
    "PromptedObject": "objects",
    "Prompts": "prompts",
    "TakesNoPrompts": "errors",
    "check_prompts": "prompts",
    "objects_from_dict": "objects",
    "objects_to_dict": "objects",
    "read_objects": "objects",
    "write_objects": "objects",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
