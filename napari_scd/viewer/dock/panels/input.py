"""Input: which volume, which model, which device, and the status line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_scd.viewer.dock.panels.elided import ElidedText, StatusBox
from napari_scd.viewer.dock.panels.parts import Chooser, Panel, flow, form, wrapping_label
from napari_scd.viewer.dock.panels.volumes import LayerChooser
from napari_scd.viewer.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.state import Status

WIDE_LETTERS = 32
BAD = frozenset({State.ERROR, State.BAD_INPUT})
VIEWS = {
    "Axial": "Slices from below: anterior up, the patient's right on the left",
    "Coronal": "Slices from the front: superior up, the patient's right on the left",
    "Sagittal": "Slices from the patient's left: superior up, anterior on the left",
    "3D": "From the front, superior up, left and right as they are",
}


class InputPanel(Panel):
    """Chooses what is segmented, with what, on what; the status line and the warnings stand in `footer`."""

    volumes_chosen = Signal(object)  # tuple of unique_id, one per channel
    model_chosen = Signal(object)  # name or path
    device_chosen = Signal(str)
    frames_chosen = Signal(bool)  # True = all of them
    file_wanted = Signal()
    remedy_wanted = Signal(str)
    plane_wanted = Signal(str)  # one of VIEWS

    def __init__(self, layers: Callable[[], Sequence[Any]] = tuple) -> None:
        self._ready = self._bad = self._doubtful = False
        super().__init__("Input")
        self._layers = layers
        self._rows = form()
        self.column.addLayout(self._rows)
        self.volume = LayerChooser(layers, "scd.volume")
        self._channels: list[LayerChooser] = []
        self._rows.addRow("Volume", self.volume)
        self.model = Chooser("scd.model", parted_by=", ")
        self.model.setPlaceholderText("none")
        browse = QPushButton("...")
        browse.setObjectName("scd.model.file")
        browse.setFixedWidth(32)
        browse.setToolTip("Choose a model file (.safetensors)")
        browse.clicked.connect(self.file_wanted)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.model)
        row.addWidget(browse)
        self._rows.addRow("Model", row)
        self.model_note = wrapping_label("scd.model.note")
        self.column.addWidget(self.model_note)
        self.show_model_note("")
        self.frames = Chooser("scd.frames")
        self.frames.setToolTip("What Segment volume, Accept and Export apply to: this frame, or all of them.")
        self._rows.addRow("Frames", self.frames)
        self.device = Chooser("scd.device", parted_by=" (")
        self.set_devices(("auto", "cpu"))
        self.pace = ElidedText("scd.pace", lines=1, parted_by="/")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.device)
        row.addWidget(self.pace, 1)
        self._rows.addRow("Device", row)
        views = []
        for view, hint in VIEWS.items():
            button = QPushButton(view)
            button.setObjectName(f"scd.view.{view.lower()}")
            button.setToolTip(hint)
            button.clicked.connect(lambda _, view=view: self.plane_wanted.emit(view.lower()))
            views.append(button)
        self.views = flow(*views)
        self.column.addLayout(self.views)
        self._box = StatusBox()
        self.status, self.warnings = self._box.status, self._box.warnings
        self.remedy = QPushButton()
        self.remedy.setObjectName("scd.remedy")
        self.remedy.hide()
        self.footer = QWidget()
        below = QVBoxLayout(self.footer)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self._box)
        below.addWidget(self.remedy)
        self._action = ""
        self._ready = True
        self.show_frames("", 1)
        self.volume.chosen.connect(self._on_volume)
        self.frames.activated.connect(lambda _: self.frames_chosen.emit(self.frames.value))
        self.model.activated.connect(lambda _: self.model_chosen.emit(self.model.value))
        self.device.activated.connect(lambda _: self.device_chosen.emit(self.device.value))
        self.remedy.clicked.connect(lambda: self.remedy_wanted.emit(self._action))

    def reset_choices(self) -> None:
        """List the image layers again."""
        for chooser in (self.volume, *self._channels):
            chooser.reset_choices()

    def set_channels(self, names: Sequence[str]) -> None:
        """Offer one chooser per input channel, set to the image of that name where there is one."""
        for _ in self._channels:
            self._rows.removeRow(1)
        self._channels = []
        for number, name in enumerate(names[1:], start=1):
            chooser = LayerChooser(self._layers, f"scd.volume.{number}")
            chooser.reset_choices()
            chooser.choose_row(self._row_named(name, min(number, len(self.volume.names) - 1)))
            chooser.chosen.connect(self._on_volume)
            self._channels.append(chooser)
            self._rows.insertRow(number, name, chooser)
        if self._channels:
            self.volume.choose_row(self._row_named(names[0], self.volume.native.currentIndex()))
        label = self._rows.labelForField(self.volume)
        if isinstance(label, QLabel):
            label.setText(names[0] if len(names) > 1 else "Volume")

    def _row_named(self, channel: str, otherwise: int) -> int:
        """Row of the image called as a channel is, or with that word in its name."""
        titles = [title.casefold() for title in self.volume.names]
        if channel.casefold() in titles:
            return titles.index(channel.casefold())
        word = re.compile(rf"(?<![a-z0-9]){re.escape(channel.casefold())}(?![a-z0-9])")
        return next((row for row, title in enumerate(titles) if word.search(title)), otherwise)

    @property
    def chosen_volumes(self) -> tuple[Any, ...]:
        """`unique_id` of the image of every channel."""
        found = [chooser.uid for chooser in (self.volume, *self._channels)]
        return tuple(uid for uid in found if uid is not None)

    @property
    def n_channels(self) -> int:
        """How many choosers there are."""
        return 1 + len(self._channels)

    def show_frames(self, title: str, n_frames: int) -> None:
        """Offer this frame or all of them where a scan has several."""
        self.frames.set_items([(title, False), (f"all {n_frames} frames", True)])
        self._rows.setRowVisible(self.frames, n_frames > 1)

    def show_model_note(self, note: str) -> None:
        """Say what is to be known of the chosen model; empty = nothing."""
        self.model_note.setText(note)
        self.model_note.setVisible(bool(note))

    def show_pace(self, text: str, hint: str) -> None:
        """Write what a window takes beside the device."""
        self.pace.setText(text)
        self.pace.setToolTip(hint)

    def name_auto(self, device: str) -> None:
        """Say which device "auto" takes."""
        self.device.setItemText(0, f"{device} (auto)")
        self.device.choose(self.device.value)

    def set_devices(self, names: Sequence[str]) -> None:
        """List the devices of this machine."""
        self.device.set_items([(name, name) for name in names])

    def show_status(self, status: Status) -> None:
        """Write the status line, its way out and its warnings."""
        self.status.setText(status.sentence)
        self.status.setProperty("state", status.state.name)
        self._bad = status.state in BAD
        self.remedy.setVisible(status.remedy is not None)
        if status.remedy is not None:
            self.remedy.setText(status.remedy.text)
            self._action = status.remedy.action
        self._box.warn("\n".join(text for _, text in status.warnings))
        self._doubtful = any(state is State.WARN_FIT for state, _ in status.warnings)
        self._colour_texts()

    def changeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Follow the theme and the size of the type."""
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._colour_texts()
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._wrap_rows()
        super().changeEvent(event)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Follow the width."""
        super().resizeEvent(event)
        self._wrap_rows()

    def _wrap_rows(self) -> None:
        """Put every field below its name where names of models would not fit beside it."""
        if self._ready:
            wide = self.width() >= WIDE_LETTERS * self.model.fontMetrics().averageCharWidth()
            policy = QFormLayout.RowWrapPolicy
            self._rows.setRowWrapPolicy(policy.WrapLongRows if wide else policy.WrapAllRows)

    def _colour_texts(self) -> None:
        """Colour error and warnings so that they stand out on this theme."""
        on_dark = self.palette().windowText().color().lightness() > 128
        red, amber = ("#ff7b72", "#e3a948") if on_dark else ("#b3261e", "#8a5a00")
        if self._ready:
            self.status.setStyleSheet(f"color: {red};" if self._bad else "")
            loud = f"color: {red}; font-weight: bold;"
            self.warnings.setStyleSheet(loud if self._doubtful else f"color: {amber};")
            self.model_note.setStyleSheet(f"color: {amber};")

    def _on_volume(self) -> None:
        self.volumes_chosen.emit(self.chosen_volumes)
