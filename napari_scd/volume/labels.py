"""The label table: which number means which structure, and in which colour it is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from napari_scd.errors import InputError
from napari_scd.volume.palette import colour_of_rank

_SIDES = {"left": "right", "l": "r", "lh": "rh"}
_ITKSNAP_HEADER = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
    0     0    0    0        0  0  0    "Clear Label"
"""
_ITKSNAP_LINE = re.compile(r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[\d.]+\s+\d+\s+\d+\s+"(.*)"\s*$')


@dataclass(frozen=True)
class Label:
    """One structure.

    Parameters
    ----------
    index
        The number of its voxels in a label map, 1 or more; 0 is background.
    name
        What the user reads.
    colour
        Red, green and blue, each 0-255.
    group
        The structure it is a part of, if any: a click takes all parts of one group together.
    """

    index: int
    name: str
    colour: tuple[int, int, int]
    group: str | None = None


@dataclass(frozen=True)
class LabelTable:
    """The structures of a label map, in a fixed order; background (0) is implicit.

    Parameters
    ----------
    labels
        One entry per structure.

    Raises
    ------
    InputError
        When an index, name or colour is not valid, or an index or name appears twice.
    """

    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        """Check every entry."""
        object.__setattr__(self, "labels", tuple(_checked(label) for label in self.labels))
        _check_once("index", self.indices)
        _check_once("name", self.names)

    def __len__(self) -> int:
        """Return the number of structures, background not counted."""
        return len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The structures' names in the table's order."""
        return tuple(label.name for label in self.labels)

    @property
    def indices(self) -> tuple[int, ...]:
        """The structures' numbers in the table's order."""
        return tuple(label.index for label in self.labels)

    def label_of(self, index: int) -> Label:
        """Return the entry with a number, or raise InputError when there is none."""
        for label in self.labels:
            if label.index == index:
                return label
        raise InputError(f"There is no label {index}; the labels are {', '.join(map(str, self.indices))}.")

    def name_of(self, index: int) -> str:
        """Return the name of a number, "background" for 0."""
        return "background" if index == 0 else self.label_of(index).name

    def index_of(self, name: str) -> int:
        """Return the number of a name (capitals do not matter), or raise InputError when there is none."""
        for label in self.labels:
            if label.name.casefold() == name.strip().casefold():
                return label.index
        raise InputError(f"There is no label {name!r}; the labels are {', '.join(self.names)}.")

    def members_of_group(self, index: int) -> tuple[int, ...]:
        """Return the numbers of all labels in a label's group: the label alone when it has none."""
        group = self.label_of(index).group
        if group is None:
            return (index,)
        return tuple(label.index for label in self.labels if label.group == group)

    def group_name(self, index: int) -> str:
        """Return the name of a label's group: its own name when it has none."""
        label = self.label_of(index)
        return label.group or label.name

    @property
    def mirror_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of numbers (left, right) whose names differ by left/right, l/r or lh/rh only."""
        by_words = {_words(label.name): label.index for label in self.labels}
        pairs = []
        for words, left in by_words.items():
            mirrored = tuple(_SIDES.get(word, word) for word in words)
            if mirrored != words and mirrored in by_words:
                pairs.append((left, by_words[mirrored]))
        return tuple(pairs)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the table as plain values that JSON can hold."""
        return [
            {"index": e.index, "name": e.name, "colour": list(e.colour)}
            | ({"group": e.group} if e.group else {})
            for e in self.labels
        ]

    @classmethod
    def from_list(cls, entries: Iterable[Mapping[str, Any]]) -> LabelTable:
        """Make a table from what :meth:`to_list` returned; a bad entry raises InputError."""
        try:
            return cls(tuple(Label(e["index"], e["name"], e["colour"], e.get("group")) for e in entries))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"The label table cannot be read ({error}); give entries with index, name and colour."
            ) from error

    @classmethod
    def from_names(
        cls, names: Sequence[str] | Mapping[int, str], groups: Mapping[str, str] | None = None
    ) -> LabelTable:
        """Make a table with colours that are easy to tell apart, also for colour-blind readers.

        Parameters
        ----------
        names
            Names for the numbers 1, 2, 3, ... in order, or a mapping from number to name.
        groups
            For the names that are part of a larger structure, that structure's name.
        """
        numbered = names if isinstance(names, Mapping) else dict(enumerate(names, start=1))
        groups = groups or {}
        return cls(
            tuple(
                Label(index, name, colour_of_rank(rank), groups.get(name))
                for rank, (index, name) in enumerate(numbered.items())
            )
        )

    def to_itksnap(self) -> str:
        """Return the table as an ITK-SNAP label description file. Groups have no place in it."""
        lines = []
        for label in self.labels:
            red, green, blue = label.colour
            name = label.name.replace('"', "'")
            lines.append(f'{label.index:5d} {red:5d} {green:4d} {blue:4d}        1  1  1    "{name}"\n')
        return _ITKSNAP_HEADER + "".join(lines)

    @classmethod
    def from_itksnap(cls, text: str) -> LabelTable:
        """Read an ITK-SNAP label description file; any other line raises InputError."""
        labels = []
        for line in text.splitlines():
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = _ITKSNAP_LINE.match(line)
            if match is None:
                raise InputError(
                    f"The line {line.strip()!r} is not an ITK-SNAP label; give index, colour and quoted name."
                )
            index, red, green, blue = (int(number) for number in match.groups()[:4])
            if index:
                labels.append(Label(index, match.group(5), (red, green, blue)))
        return cls(tuple(labels))


def _words(name: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\W_]+", name.casefold()) if word)


def _check_once(what: str, values: Sequence[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise InputError(f"The label {what} {value!r} appears twice; give each label its own.")
        seen.add(value)


def _checked(label: Label) -> Label:
    if isinstance(label.index, bool) or not isinstance(label.index, int) or not 0 < label.index < 65536:
        raise InputError(
            f"The label index {label.index!r} is not valid; give a whole number from 1 to 65535."
        )
    if not isinstance(label.name, str) or not label.name.strip() or not label.name.isprintable():
        raise InputError(f"The name {label.name!r} of label {label.index} is not valid; give some letters.")
    colour = tuple(label.colour)
    if len(colour) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in colour):
        raise InputError(
            f"The colour {label.colour!r} of label {label.name!r} is not valid; give three numbers 0-255."
        )
    if label.group is not None and not (isinstance(label.group, str) and label.group.isprintable()):
        raise InputError(
            f"The group {label.group!r} of label {label.name!r} is not valid; give a name or none."
        )
    return replace(label, colour=colour)
