"""The list of image layers: a magicgui combo, which napari fills again when layers come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from napari_scd.viewer.dock.panels.parts import is_letter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class LayerChooser(QWidget):
    """A combo of layers that follows the chosen one by its `unique_id`, also when it is renamed.

    Parameters
    ----------
    layers
        Returns the layers to list.
    name
        Object name of the combo.
    """

    chosen = Signal()

    def __init__(self, layers: Callable[[], Sequence[Any]], name: str) -> None:
        super().__init__()
        self._uid: Any = None
        self.combo = ComboBox(choices=lambda _: [(layer.name, layer) for layer in layers()], nullable=False)
        box = self.native
        box.setObjectName(name)
        box.setPlaceholderText("none")
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(3)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.installEventFilter(self)
        box.activated.connect(self._on_activated)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(box)

    @property
    def native(self) -> QComboBox:
        """The combo box itself."""
        box: QComboBox = self.combo.native
        return box

    @property
    def uid(self) -> Any:
        """`unique_id` of the chosen layer, None when there is none."""
        return self._uid

    @property
    def names(self) -> list[str]:
        """Names in the list, from the top."""
        return [self.native.itemText(row) for row in range(self.native.count())]

    def reset_choices(self) -> None:
        """List the layers again and keep the choice while its layer is there; emits nothing."""
        with QSignalBlocker(self.native):
            self.native.clear()
            self.combo.reset_choices()
            layers = [self.native.itemData(row) for row in range(self.native.count())]
            rows = [row for row, layer in enumerate(layers) if layer.unique_id == self._uid]
            self.native.setCurrentIndex(rows[0] if rows else min(0, len(layers) - 1))
        self._take()

    def prefer(self, uid: Any) -> None:
        """Choose a layer when the list is filled next, if it is among them."""
        self._uid = uid

    def choose_row(self, row: int) -> None:
        """Choose by row without emitting anything."""
        with QSignalBlocker(self.native):
            self.native.setCurrentIndex(row)
        self._take()

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 (Qt's name)
        """Leave letters to the dock, and the wheel to the scroll area unless the list has the focus."""
        if event.type() == event.Type.Wheel and not self.native.hasFocus():
            event.ignore()
            return True
        if event.type() == event.Type.KeyPress and is_letter(event):
            event.ignore()  # so that the dock takes it for one of its keys
            return True
        return False

    def _take(self) -> None:
        layer = self.native.currentData()
        self._uid = None if layer is None else layer.unique_id
        self.native.setToolTip(self.native.currentText())

    def _on_activated(self, _row: int) -> None:
        self._take()
        self.chosen.emit()
