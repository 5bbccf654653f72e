"""From cases on disk to random training windows on the device."""

from napari_scd.training.data.balance import balanced
from napari_scd.training.data.batches import BatchMaker
from napari_scd.training.data.cases import Case, absent_labels, load_map, on_device
from napari_scd.training.data.check_samples import check_samples
from napari_scd.training.data.example import write_example
from napari_scd.training.data.intensity import normalised
from napari_scd.training.data.listing import list_cases, list_test_cases
from napari_scd.training.data.prompt_batches import PromptBatchMaker
from napari_scd.training.data.sets import list_sets, load_prompt_cases
from napari_scd.training.data.sources import load_sources
from napari_scd.training.data.targets import Sample
from napari_scd.training.data.user import Prompting, correct_deepest
from napari_scd.training.data.warp import random_warp

__all__ = [
    "BatchMaker",
    "Case",
    "PromptBatchMaker",
    "Prompting",
    "Sample",
    "absent_labels",
    "balanced",
    "check_samples",
    "correct_deepest",
    "list_cases",
    "list_sets",
    "list_test_cases",
    "load_map",
    "load_prompt_cases",
    "load_sources",
    "normalised",
    "on_device",
    "random_warp",
    "write_example",
]
