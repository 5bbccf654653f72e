"""Result: the structures found, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QCheckBox, QHeaderView, QPushButton, QWidget
from qtpy.QtWidgets import QTreeWidgetItem as Item

from napari_scd.viewer.dock.panels.legend import Legend
from napari_scd.viewer.dock.panels.parts import Chooser, Panel, flow, form, wrapping_label
from napari_scd.viewer.logic import millilitres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_scd.viewer.layers import Voxels
    from napari_scd.viewer.logic import Trust
    from napari_scd.volume import LabelTable

SURE, DICE = 2, 3
_HINTS = (
    "In millilitres.",
    "Mean probability that the model gave to the structure's voxels.",
    "Overlap with the truth on test cases, 0 to 1; the tool tip of a row says on which.",
)


class ResultPanel(Panel):
    """The legend; the buttons stand in `footer`, which the dock keeps in sight."""

    output_chosen = Signal(object)  # unique_id of a Labels layer, None = a new one
    protect_toggled = Signal(bool)
    structure_clicked = Signal(int)
    structure_isolated = Signal(int)  # 0 = all again
    accept_wanted = Signal()
    discard_wanted = Signal()
    export_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Result")
        self.output = Chooser("scd.output")
        self.output.set_items([("new layer", None)])
        rows = form()
        rows.addRow("Output", self.output)
        self.column.addLayout(rows)
        self.protect = QCheckBox("Protect accepted")
        self.protect.setObjectName("scd.protect")
        self.protect.setChecked(True)
        self.protect.setToolTip("Protect accepted labels: Accept only fills voxels that have no label yet.")
        self.column.addWidget(self.protect)
        self.legend = Legend()
        self.legend.setObjectName("scd.legend")
        self.legend.setColumnCount(4)
        self.legend.setHeaderLabels(["structure", "volume", "sure", "Dice"])
        self.legend.setRootIsDecorated(False)
        self.legend.setWordWrap(True)  # names may differ in any of their words
        self.legend.may_leave = (DICE, SURE)  # both are in the tool tip too
        self.legend.setIconSize(QSize(14, 14))
        self.legend.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.legend.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.legend.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(10)
        for column, hint in enumerate(_HINTS, start=1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            self._heading(column, hint)
        self.legend.setToolTip(
            "Click: go to the structure. Double click: show it alone, and again: show all."
        )
        self.column.addWidget(self.legend)
        self.hover = wrapping_label("scd.hover")
        self.hover.setToolTip("What lies under the mouse")
        self.hover.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.hover.setMinimumHeight(2 * self.hover.fontMetrics().lineSpacing())
        self.column.addWidget(self.hover)
        self.accept = QPushButton("Accept (U)")
        self.accept.setObjectName("scd.accept")
        self.discard = QPushButton("Discard")
        self.discard.setObjectName("scd.discard")
        self.export = QPushButton("Export...")
        self.export.setObjectName("scd.export")
        self.footer = QWidget()
        self.footer.setLayout(flow(self.accept, self.discard, self.export))
        self._isolated = 0
        self.show_structures(None, {}, ())
        self.output.activated.connect(lambda _: self.output_chosen.emit(self.output.value))
        self.protect.toggled.connect(self.protect_toggled)
        self.legend.itemClicked.connect(lambda item, _: self.structure_clicked.emit(_index_of(item)))
        self.legend.itemDoubleClicked.connect(self._on_double_click)
        self.accept.clicked.connect(lambda: self.accept_wanted.emit())
        self.discard.clicked.connect(lambda: self.discard_wanted.emit())
        self.export.clicked.connect(lambda: self.export_wanted.emit())

    def _heading(self, column: int, hint: str) -> None:
        heading = self.legend.headerItem()
        assert heading is not None
        heading.setToolTip(column, hint)
        heading.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)

    def show_hover(self, text: str) -> None:
        """Say what lies under the mouse."""
        if text != self.hover.text():
            self.hover.setText(text)

    def set_outputs(self, layers: Sequence[tuple[str, Any]]) -> bool:
        """List the Labels layers that could accept results; return whether the choice changed."""
        return self.output.set_items([("new layer", None), *layers])

    def set_buttons(self, *, preview: bool, exportable: bool) -> None:
        """Offer what can be done now."""
        self.accept.setEnabled(preview)
        self.discard.setEnabled(preview)
        self.export.setEnabled(exportable)

    def show_structures(
        self,
        table: LabelTable | None,
        found: Mapping[int, Voxels],
        doubtful: Sequence[int],
        apart_ml: Mapping[int, Sequence[float]] | None = None,
        *,
        trust: Mapping[int, Trust] | None = None,
    ) -> None:
        """List colour, name, volume and trust of what was found; `doubtful` sides are hatched.

        Parameters
        ----------
        apart_ml
            Volumes object by object, for labels of several objects, such as the left and the right one.
        trust
            What speaks for each label.
        """
        known = trust or {}
        self.legend.clear()
        for label in table.labels if table is not None else ():
            voxels = found.get(label.index)
            if voxels is None or voxels.voxels == 0:
                continue
            parts = (apart_ml or {}).get(label.index, (voxels.volume_ml,))
            size = " + ".join(millilitres(volume_ml) for volume_ml in parts)
            one = known.get(label.index)
            item = Item([label.name, size, *_trust_cells(one)])
            item.setData(0, Qt.ItemDataRole.UserRole, label.index)
            item.setIcon(0, _swatch(label.colour, hatched=label.index in doubtful))
            hint = [f"{label.name}: {voxels.voxels:,} voxels", *(one.sentences() if one is not None else ())]
            for column in range(4):
                item.setToolTip(column, "\n".join(hint))
                if column:
                    item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.legend.addTopLevelItem(item)
        self.show_alone(self._isolated)
        empty = {
            SURE: all(one.sure is None for one in known.values()),
            DICE: all(one.dice is None for one in known.values()),
        }
        self.legend.unused = frozenset(column for column, nothing in empty.items() if nothing)
        self.legend.setVisible(self.legend.topLevelItemCount() > 0)
        self.legend.fit()

    def _on_double_click(self, item: Item, _column: int) -> None:
        index = _index_of(item)
        self.show_alone(0 if self._isolated == index else index)
        self.structure_isolated.emit(self._isolated)

    def show_alone(self, index: int) -> None:
        """Make the structure that is shown alone bold; 0 = none is."""
        self._isolated = index
        for row in range(self.legend.topLevelItemCount()):
            one = self.legend.topLevelItem(row)
            if one is not None:
                font = one.font(0)
                font.setBold(_index_of(one) == self._isolated)
                one.setFont(0, font)

    @property
    def isolated(self) -> int:
        """The structure that is shown alone, 0 = all are shown."""
        return self._isolated


def _trust_cells(trust: Trust | None) -> tuple[str, str]:
    """Confidence and tested Dice as short texts; empty where they are not known."""
    if trust is None:
        return "", ""
    sure = "" if trust.sure is None else f"{100 * trust.sure:.0f} %"
    return sure, "" if trust.dice is None else f"{trust.dice:.2f}".lstrip("0")


def _index_of(item: Item) -> int:
    return int(item.data(0, Qt.ItemDataRole.UserRole))


def _swatch(colour: tuple[int, int, int], *, hatched: bool) -> QIcon:
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(*colour))
    if hatched:
        painter = QPainter(pixmap)
        painter.fillRect(pixmap.rect(), QBrush(QColor(0, 0, 0, 200), Qt.BrushStyle.BDiagPattern))
        painter.end()
    return QIcon(pixmap)
