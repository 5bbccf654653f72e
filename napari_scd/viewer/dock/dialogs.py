"""The file dialogs; none of them blocks the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable


def ask_for_model(parent: QWidget, chosen: Callable[[str], None]) -> None:
    """Let the user choose a model file."""
    dialog = QFileDialog(parent, "Choose a model", str(Path.home()), "Models (*.safetensors)")
    _show(dialog, chosen)


def ask_for_prompts(parent: QWidget, folder: str, chosen: Callable[[str], None]) -> None:
    """Let the user choose a prompts file."""
    _show(QFileDialog(parent, "Read prompts", folder, "Prompts (*.json)"), chosen)


def ask_where_to_export(parent: QWidget, suggestion: str, chosen: Callable[[str], None]) -> None:
    """Let the user choose a file to write labels to."""
    dialog = QFileDialog(parent, "Export labels", suggestion, "Label maps (*.nii.gz *.nii *.mgz *.dcm)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    _show(dialog, chosen)


def ask_where_to_save(parent: QWidget, suggestion: str, kinds: str, chosen: Callable[[str], None]) -> None:
    """Let the user choose a file to write; `kinds` are Qt's filters, of which the first ending is added."""
    dialog = QFileDialog(parent, "Save", suggestion, kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(kinds.partition("*.")[2].partition(")")[0])
    dialog.filterSelected.connect(
        lambda kind: dialog.setDefaultSuffix(kind.partition("*.")[2].partition(")")[0])
    )
    _show(dialog, chosen)


def _show(dialog: QFileDialog, chosen: Callable[[str], None]) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    dialog.show()
